import { type LayerEntry, type LayerEntryKind, OrlopError } from "@orlop/core";
import { ByteReader, type Chunks } from "./byte-reader.ts";
import { readOldSparseMap, readPaxSparseMap } from "./read-sparse-map.ts";
import { type SparseMap, withHoles } from "./sparse.ts";
import {
  decodeTarHeader,
  EXTENSION_MAX_BYTES,
  GLOBAL_EXTENSION_MAX_BYTES,
  malformedTar,
  namedTarError,
  TAR_BLOCK_BYTES,
  type TarHeader,
} from "./tar-header.ts";

const KINDS: Readonly<Record<string, LayerEntryKind>> = {
  0: "file",
  1: "hard-link",
  2: "symlink",
  3: "character-device",
  4: "block-device",
  5: "directory",
  6: "fifo",
  // "Contiguous file", which everybody treats as a file.
  7: "file",
  // A sparse file of GNU's own format.
  S: "file",
};

interface ReadTarOptions {
  /** Of the archive, for errors. */
  readonly name?: string;
  /** Sees each entry before it is given. */
  onEntry?(entry: LayerEntry): void;
  /** All of the archive has come. */
  onEnd?(): void;
}

/**
 * Reads a tar archive: ustar, with the extended headers of pax and the long names and binary numbers of GNU. What `onEntry` and
 * `onEnd` throw ends the reading.
 *
 * @throws OrlopError `invalid` for what is no tar archive, `unsupported` for kinds of entries that are not known
 */
export async function* readTar(
  chunks: Chunks,
  { name, onEntry, onEnd }: ReadTarOptions = {},
): AsyncGenerator<LayerEntry> {
  const reader = new ByteReader(chunks);
  let global = NO_RECORDS;
  let local = NO_RECORDS;
  let globalBytes = 0;
  let localBytes = 0;
  try {
    for (;;) {
      const block = reader.ready(TAR_BLOCK_BYTES) ?? (await reader.take(TAR_BLOCK_BYTES));
      const header = block === undefined ? undefined : decodeTarHeader(block);
      if (header === undefined) break;
      if (header.type === "g") globalBytes = addExtension(globalBytes, header, GLOBAL_EXTENSION_MAX_BYTES);
      else if (EXTENSIONS.has(header.type)) localBytes = addExtension(localBytes, header, EXTENSION_MAX_BYTES);
      switch (header.type) {
        case "x":
          local = new Map([...local, ...parsePax(await readExtension(reader, header))]);
          break;
        case "g":
          global = new Map([...global, ...parsePax(await readExtension(reader, header))]);
          break;
        case "L":
          local = new Map(local).set("path", untilNul(await readExtension(reader, header)));
          break;
        case "K":
          local = new Map(local).set("linkpath", untilNul(await readExtension(reader, header)));
          break;
        default: {
          const records = global.size === 0 ? local : new Map([...global, ...local]);
          const content = new Content(reader, name);
          const sparse = await beginContent(reader, block as Buffer, header, records, content);
          const entry = describe(header, records, content, sparse);
          onEntry?.(entry);
          yield entry;
          if (!content.isSkipped()) await content.skip();
          local = NO_RECORDS;
          localBytes = 0;
        }
      }
    }
    await reader.drain();
    onEnd?.();
  } catch (error) {
    throw error instanceof RangeError ? malformedTar(error.message, name) : namedTarError(error, name);
  }
}

const EXTENSIONS: ReadonlySet<string> = new Set(["x", "L", "K"]);

/** Empty ones count, too. */
function addExtension(before: number, { size }: TarHeader, bytesMax: number): number {
  const bytes = before + Math.max(size, TAR_BLOCK_BYTES);
  if (bytes <= bytesMax) return bytes;
  throw malformedTar(`extended headers have more than ${bytesMax} bytes`);
}

async function readExtension(reader: ByteReader, { size }: TarHeader): Promise<Buffer> {
  const padded = Math.ceil(size / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
  const bytes = (await reader.take(padded)) ?? Buffer.alloc(0);
  if (bytes.length < padded) throw malformedTar("it ends in an extended header");
  // Kept with the entry, longer than the chunk that it is in.
  return Buffer.from(bytes.subarray(0, size));
}

function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return bytes.subarray(0, end < 0 ? bytes.length : end);
}

/** Values by keywords; those of extended attributes are any bytes. */
type PaxRecords = ReadonlyMap<string, Buffer>;

const NO_RECORDS: PaxRecords = new Map();

/** `LENGTH KEYWORD=VALUE\n`, where LENGTH counts the whole record in bytes (pax, "Extended Header"). */
function parsePax(bytes: Buffer): PaxRecords {
  const records = new Map<string, Buffer>();
  const numbers: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const digits = space < 0 ? "" : bytes.toString("latin1", at, space);
    const length = /^\d{1,7}$/.test(digits) ? Number(digits) : 0;
    const record = bytes.subarray(space + 1, at + length - 1);
    const equals = record.indexOf(0x3d);
    if (at + length > bytes.length || bytes[at + length - 1] !== 0x0a || equals < 1) {
      throw malformedTar("an extended header has a malformed record");
    }
    const keyword = record.toString("utf8", 0, equals);
    const value = record.subarray(equals + 1);
    // The first version of sparse files has a record for each number.
    if (REPEATED.test(keyword)) numbers.push(value.toString());
    else records.set(keyword, value);
    at += length;
  }
  if (numbers.length > 0) records.set("GNU.sparse.map", Buffer.from(numbers.join()));
  return records;
}

const REPEATED = /^GNU\.sparse\.(?:offset|numbytes)$/;

const XATTR_PREFIX = "SCHILY.xattr.";

/** Gets ready to read what is behind the headers; gives what a file with holes is made of. */
async function beginContent(
  reader: ByteReader,
  block: Buffer,
  header: TarHeader,
  records: PaxRecords,
  content: Content,
): Promise<SparseMap | undefined> {
  const size = hasContent(header.type) ? paxNumber(records, "size", header.size) : 0;
  if (records.size === 0 && header.type !== "S") {
    content.begin(size);
    return undefined;
  }
  const sparse =
    header.type === "S"
      ? await readOldSparseMap(reader, block, size)
      : await readPaxSparseMap(reader, (keyword) => records.get(keyword)?.toString(), size);
  content.begin(sparse?.storedBytes ?? size);
  return sparse?.map;
}

function hasContent(type: string): boolean {
  return KINDS[type] === "file";
}

function describe(header: TarHeader, records: PaxRecords, content: Content, sparse: SparseMap | undefined): LayerEntry {
  const path = (records.get("GNU.sparse.name") ?? records.get("path"))?.toString() ?? header.name;
  const kind = Object.hasOwn(KINDS, header.type) ? KINDS[header.type] : undefined;
  if (kind === undefined) {
    throw new OrlopError("unsupported", `Cannot unpack "${path}": entries of type "${header.type}" are not known`);
  }
  const size = sparse?.size ?? content.size;
  // Old archives have directories as files whose name ends with a slash.
  const isDirectory = kind === "directory" || (kind === "file" && path.endsWith("/") && size === 0);
  return {
    kind: isDirectory ? "directory" : kind,
    path,
    mode: header.mode & 0o7777,
    uid: paxNumber(records, "uid", header.uid),
    gid: paxNumber(records, "gid", header.gid),
    ...timeOf(header.mtime, records.get("mtime")?.toString()),
    target: records.get("linkpath")?.toString() ?? header.linkName,
    size,
    device: deviceOf(header),
    xattrs: xattrsOf(records),
    contentAt: sparse === undefined ? content.at : undefined,
    content: () => (sparse === undefined ? content.chunks() : withHoles(sparse, content.chunks())),
    contentAtOnce: () => (sparse === undefined ? content.ready() : undefined),
  };
}

/** Of everything but devices; there are many. */
const NO_DEVICE: LayerEntry["device"] = { major: 0, minor: 0 };

function deviceOf({ deviceMajor: major, deviceMinor: minor }: TarHeader): LayerEntry["device"] {
  return major === 0 && minor === 0 ? NO_DEVICE : { major, minor };
}

const NO_XATTRS: ReadonlyMap<string, Buffer> = new Map();

function xattrsOf(records: PaxRecords): ReadonlyMap<string, Buffer> {
  if (records.size === 0) return NO_XATTRS;
  const found = [...records].filter(([key]) => key.startsWith(XATTR_PREFIX));
  if (found.length === 0) return NO_XATTRS;
  return new Map(found.map(([key, value]) => [key.slice(XATTR_PREFIX.length), value]));
}

/** What every file system can store: 34 bits of seconds, as ext4 has them. */
const TIME_MAX_SECONDS = 2 ** 34 - 1;

/** Decimal seconds, with a fraction to the nanosecond (pax, "Extended Header"); what is out of range is moved into it. */
function timeOf(whole: number, decimal: string | undefined): Pick<LayerEntry, "mtime" | "mtimeNanoseconds"> {
  if (decimal === undefined) return { mtime: Math.min(whole, TIME_MAX_SECONDS), mtimeNanoseconds: 0 };
  const [, seconds = "", fraction = ""] = /^(\d+)(?:\.(\d+))?$/.exec(decimal) ?? [];
  const mtime = Math.min(Number(seconds), TIME_MAX_SECONDS);
  return { mtime, mtimeNanoseconds: Number(fraction.slice(0, 9).padEnd(9, "0")) };
}

function paxNumber(records: PaxRecords, key: string, otherwise: number): number {
  const value = records.get(key)?.toString();
  if (value === undefined) return otherwise;
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw malformedTar(`an extended header's ${key} is no number`);
  return number;
}

/** The bytes behind one header. */
class Content {
  readonly #reader: ByteReader;
  readonly #name: string | undefined;
  #left = 0;
  #padding = 0;
  /** All of them. */
  size = 0;
  /** Where they are. */
  at = 0;

  constructor(reader: ByteReader, name: string | undefined) {
    this.#reader = reader;
    this.#name = name;
  }

  begin(size: number): void {
    this.size = size;
    this.at = this.#reader.position;
    this.#left = size;
    this.#padding = (TAR_BLOCK_BYTES - (size % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES;
  }

  async *chunks(): AsyncGenerator<Buffer> {
    while (this.#left > 0) {
      const chunk = this.#reader.ready(this.#left) ?? (await this.#reader.some(this.#left));
      if (chunk === undefined) throw malformedTar("it ends in the content of a file", this.#name);
      this.#left -= chunk.length;
      yield chunk;
    }
  }

  /** All of it, if it has come. */
  ready(): Buffer | undefined {
    const all = this.#left === this.size ? this.#reader.ready(this.size) : undefined;
    if (all !== undefined) this.#left = 0;
    return all;
  }

  /** Goes on behind it, where all of it has been read and what fills its last block has come. */
  isSkipped(): boolean {
    return this.#left === 0 && (this.#padding === 0 || this.#reader.ready(this.#padding) !== undefined);
  }

  async skip(): Promise<void> {
    // Of what is left nobody wants to know anything, but that it is there.
    await this.#reader.skip(Math.max(this.#left - 1, 0));
    if (this.#left > 0 && (await this.#reader.take(1)) === undefined)
      throw malformedTar("it ends in the content of a file", this.#name);
    this.#left = 0;
    if (this.#padding > 0) await this.#reader.take(this.#padding);
  }
}
