import { type LayerEntry, OrlopError } from "@orlop/core";

/** What one layer may unpack to. */
export interface LayerLimits {
  readonly entriesMax: number;
  /** Of one file, its holes included. */
  readonly fileMaxBytes: number;
  /** Of all files with their holes, and of the archive. */
  readonly unpackedMaxBytes: number;
  /** Unpacked bytes for each that is stored, where there are more than `ratioFreeBytes`. */
  readonly ratioMax: number;
  readonly ratioFreeBytes: number;
  /**
   * Part of what V8 may take that may be in use while a layer of more than `memoryFreeEntries` is read: its names and attributes are in
   * memory, and more is needed when they are written.
   */
  readonly memoryShareMax: number;
  readonly memoryFreeEntries: number;
}

/** After so many entries the memory is looked at. */
const LOOK_ENTRIES = 256;
const MIB = 1024 ** 2;

/**
 * More than registries take, and than programs write. gzip makes 1032 bytes of one at most, as it does of the log of logins
 * that a user with a high number leaves: what is refused for its ratio is a file of holes, or zstd's zeros, and nothing else.
 */
export const LAYER_LIMITS: LayerLimits = {
  entriesMax: 12_000_000,
  fileMaxBytes: 128 * 1024 ** 3,
  unpackedMaxBytes: 256 * 1024 ** 3,
  ratioMax: 1100,
  ratioFreeBytes: 4 * 1024 ** 3,
  memoryShareMax: 0.33,
  memoryFreeEntries: 500_000,
};

/** Holds a layer against its limits while it is read. */
export class LayerMeter {
  readonly #name: string;
  readonly #limits: LayerLimits;
  /** As much as is known of: what it says that it has, or what has come of it. */
  #storedBytes: number;
  #comeBytes = 0;
  #archiveBytes = 0;
  #contentBytes = 0;
  #entries = 0;

  /** `sizeBytes`: what is stored, where it is known beforehand. */
  constructor(name: string, limits: LayerLimits, sizeBytes: number = 0) {
    this.#name = name;
    this.#limits = limits;
    this.#storedBytes = sizeBytes;
  }

  /** So many bytes more have come. */
  countStored(bytes: number): void {
    this.#comeBytes += bytes;
    this.#storedBytes = Math.max(this.#storedBytes, this.#comeBytes);
  }

  /** So many of the archive have been made of them. @throws OrlopError `exhausted` */
  countArchive(bytes: number): void {
    this.#archiveBytes += bytes;
    this.#expectUnpacked(this.#archiveBytes);
  }

  /** @throws OrlopError `exhausted` */
  countEntry({ kind, path, size }: LayerEntry): void {
    const { entriesMax, fileMaxBytes, memoryFreeEntries } = this.#limits;
    if (++this.#entries > entriesMax) throw this.#refused(`it has more than ${entriesMax} entries`);
    if (this.#entries > memoryFreeEntries && this.#entries % LOOK_ENTRIES === 0) this.#expectMemory();
    if (kind !== "file") return;
    if (size > fileMaxBytes) {
      throw this.#refused(`"${path.slice(0, 100)}" has ${size} bytes, and a file may have ${fileMaxBytes}`);
    }
    this.#contentBytes += size;
    this.#expectUnpacked(this.#contentBytes);
  }

  /** V8 ends the process when it has no more, and all that was at work in it. */
  #expectMemory(): void {
    // Loaded no sooner: most commands unpack nothing.
    const { getHeapStatistics } = process.getBuiltinModule("node:v8");
    const { used_heap_size: used, external_memory: buffers, heap_size_limit: limit } = getHeapStatistics();
    if (used + buffers <= this.#limits.memoryShareMax * limit) return;
    const [inUse, all] = [used + buffers, limit].map((bytes) => `${Math.round(bytes / MIB)} MiB`);
    throw this.#refused(`with ${this.#entries} of its entries ${inUse} of ${all} of memory are in use`);
  }

  #expectUnpacked(bytes: number): void {
    const { unpackedMaxBytes, ratioMax, ratioFreeBytes } = this.#limits;
    if (bytes > unpackedMaxBytes) throw this.#refused(`it has more than ${unpackedMaxBytes} bytes unpacked`);
    if (bytes <= ratioFreeBytes || bytes <= ratioMax * this.#storedBytes) return;
    throw this.#refused(`it has ${bytes} bytes unpacked, more than ${ratioMax} times the ${this.#storedBytes} stored`);
  }

  #refused(what: string): OrlopError {
    return new OrlopError("exhausted", `Cannot unpack layer "${this.#name}": ${what}`);
  }
}
