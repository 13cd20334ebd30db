import { existsSync } from "node:fs";
import { type CreateRequest, type ErofsLayerFiles, OrlopError, type OverlayLayer } from "@orlop/core";
import { hostArchitecture, type Program } from "@orlop/kernel";
import { compileHeldLayers, HELD_FD_FIRST } from "./held-layers-program.ts";
import { endHolder } from "./holder-program.ts";
import type { ZygoteLike } from "./own-zygote.ts";

/** So long a holder stays after the last use: between calls that somebody types, and no longer than that. */
const IDLE_MAX_MS = 10_000;

/** How often it is looked whether one has stayed for long enough, and whether its images are still to be there. */
const LOOK_MS = 1_000;

/** A container that lasts is there by then. */
const DELAY_MS = 100;

/** Root file systems that are held at a time. */
const HELD_MAX = 16;

/** Above that a mount takes no longer than all else that so many layers take. */
const LAYERS_MAX = 64;

/** Mounts of the images of one root file system. */
interface Holder {
  readonly images: readonly ErofsLayerFiles[];
  /** Of the process that holds them; undefined until all are there. */
  pid: number | undefined;
  usedAtMs: number;
}

interface HeldLayersOptions {
  readonly idleMaxMs?: number;
  readonly lookMs?: number;
  readonly delayMs?: number;
}

/**
 * Images that stay mounted between two containers of the same layers, for a while. A mount of its own takes each container half a
 * millisecond, and has it read every file again: the kernel keeps what it has read of a file with the mount.
 *
 * They are attached nowhere: a process holds them, and an overlay is told of them by its descriptors. It goes when nobody has used
 * them for some time, when an image is removed, and with the process that has had it made.
 */
export class HeldLayers implements Disposable {
  readonly #startZygote: () => ZygoteLike;
  readonly #idleMaxMs: number;
  readonly #lookMs: number;
  readonly #delayMs: number;
  #zygote: ZygoteLike | undefined;
  /** By their images, the one that was used last at the end. */
  readonly #holders = new Map<string, Holder>();
  #look: NodeJS.Timeout | undefined;
  /** This machine or this process cannot, or is to hold none any more. */
  #isRefused = false;

  /** @param startZygote starts what makes them; done when some are to be held for the first time, and after its end */
  constructor(
    startZygote: () => ZygoteLike,
    { idleMaxMs = IDLE_MAX_MS, lookMs = LOOK_MS, delayMs = DELAY_MS }: HeldLayersOptions = {},
  ) {
    this.#startZygote = startZygote;
    this.#idleMaxMs = idleMaxMs;
    this.#lookMs = lookMs;
    this.#delayMs = delayMs;
  }

  /**
   * Makes a container on mounts that are there, or has them be there for the next one of the same layers.
   *
   * @param make leaves nothing on failure; it may be called twice
   */
  async run<T>(request: CreateRequest, make: (request: CreateRequest) => Promise<T>): Promise<T> {
    const images = this.#isRefused ? [] : imagesOf(request);
    if (images.length === 0) return await make(request);
    const key = keyOf(images);
    const holder = this.#use(key);
    // Not while somebody waits for this one.
    if (holder === undefined) setTimeout(() => this.#prepare(key, images), this.#delayMs).unref();
    if (holder?.pid === undefined) return await make(request);
    try {
      return await make(onHeld(request, images, holder.pid));
    } catch (error) {
      if (!this.#isReasonOf(error)) throw error;
      return await make(request);
    }
  }

  /** From here on there are none. */
  [Symbol.dispose](): void {
    this.#refuse();
    this.#zygote?.close();
  }

  #refuse(): void {
    this.#isRefused = true;
    for (const key of [...this.#holders.keys()]) this.#drop(key);
  }

  /** Where that fails none will be held. */
  #prepare(key: string, images: readonly ErofsLayerFiles[]): void {
    if (this.#isRefused || this.#use(key) !== undefined) return;
    const program = compileHeldLayers(hostArchitecture(), images);
    try {
      if (this.#zygote?.alive !== true) this.#zygote = this.#startZygote();
      this.#make(this.#zygote, program, key, images);
    } catch {
      this.#isRefused = true;
    }
  }

  #make(zygote: ZygoteLike, program: Program, key: string, images: readonly ErofsLayerFiles[]): void {
    const holder: Holder = { images, pid: undefined, usedAtMs: Date.now() };
    zygote.submit(program, ({ kind, value }) => {
      const isKept = this.#holders.get(key) === holder;
      if (kind === "failed") this.#isRefused = true;
      if (kind === "started" && isKept) holder.pid = value;
      // It was dropped before it was there.
      if (kind === "started" && !isKept) endHolder(value);
      if ((kind === "ended" || kind === "unstarted") && isKept) this.#holders.delete(key);
    });
    this.#holders.set(key, holder);
    const [oldest] = this.#holders.keys();
    if (oldest !== undefined && this.#holders.size > HELD_MAX) this.#drop(oldest);
    this.#look ??= setInterval(() => this.#dropOld(), this.#lookMs).unref();
  }

  #use(key: string): Holder | undefined {
    const holder = this.#holders.get(key);
    if (holder === undefined) return undefined;
    holder.usedAtMs = Date.now();
    this.#holders.delete(key);
    this.#holders.set(key, holder);
    return holder;
  }

  /**
   * Whether that is why a container could not be made: its holder was killed before, or the kernel lets no overlay have what is
   * attached nowhere, as before Linux 6.15. In the second case none is held from here on.
   */
  #isReasonOf(error: unknown): boolean {
    if (!(error instanceof OrlopError) || !HELD.test(error.operation ?? "")) return false;
    if (error.errno === "EINVAL") this.#refuse();
    return true;
  }

  /** Those that nobody uses, and those of images that are gone, whose files take up the disk as long as they are mounted. */
  #dropOld(): void {
    for (const [key, { images, usedAtMs }] of this.#holders) {
      const isThere = images.every(({ erofs }) => existsSync(erofs));
      if (!isThere || Math.abs(Date.now() - usedAtMs) > this.#idleMaxMs) this.#drop(key);
    }
    if (this.#holders.size > 0) return;
    clearInterval(this.#look);
    this.#look = undefined;
  }

  #drop(key: string): void {
    const pid = this.#holders.get(key)?.pid;
    this.#holders.delete(key);
    if (pid !== undefined) endHolder(pid);
  }
}

/** In the operation that an error tells of. */
const HELD = /\/proc\/[1-9]\d*\/fd\/9\d\d\b/;

/** Those to hold: none where their mounts are no use, as within a user namespace, where nobody finds them. */
function imagesOf({ rootfs, spec }: CreateRequest): readonly ErofsLayerFiles[] {
  if (rootfs?.kind !== "overlay" || rootfs.lower.length > LAYERS_MAX) return [];
  if (spec.linux?.namespaces?.some(({ type }) => type === "user")) return [];
  return rootfs.lower.filter((layer) => typeof layer !== "string");
}

/** The same container on mounts that a process holds. */
function onHeld(request: CreateRequest, images: readonly ErofsLayerFiles[], pid: number): CreateRequest {
  const { rootfs } = request;
  if (rootfs?.kind !== "overlay") return request;
  const lower = rootfs.lower.map((layer): OverlayLayer => {
    return typeof layer === "string" ? layer : `/proc/${pid}/fd/${HELD_FD_FIRST + images.indexOf(layer)}`;
  });
  return { ...request, rootfs: { ...rootfs, lower } };
}

function keyOf(images: readonly ErofsLayerFiles[]): string {
  return JSON.stringify(images.map(({ erofs, device }) => [erofs, device]));
}
