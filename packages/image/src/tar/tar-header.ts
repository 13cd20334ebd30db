import { OrlopError } from "@orlop/core";

export const TAR_BLOCK_BYTES = 512;

/** Of the extended headers and long names of an entry, all together. */
export const EXTENSION_MAX_BYTES: number = 1024 * 1024;

/** Of all extended headers that are for all entries: each entry is looked up in them. */
export const GLOBAL_EXTENSION_MAX_BYTES: number = 64 * 1024;

export type TarField =
  | "name"
  | "mode"
  | "uid"
  | "gid"
  | "size"
  | "mtime"
  | "checksum"
  | "type"
  | "linkName"
  | "magic"
  | "deviceMajor"
  | "deviceMinor"
  | "prefix";

/** Fields of the ustar header: POSIX.1-1988, and tar(5) for GNU's. Offset and length in bytes. */
export const TAR_FIELDS: Readonly<Record<TarField, readonly [offset: number, length: number]>> = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 6],
  deviceMajor: [329, 8],
  deviceMinor: [337, 8],
  prefix: [345, 155],
};

/** One header block, before the extensions that stand in front of it are applied. */
export interface TarHeader {
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds. */
  readonly mtime: number;
  /** The type flag as a character; NUL is "0". */
  readonly type: string;
  readonly linkName: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

/** Decodes a header block, or gives `undefined` for a block of zeros, which ends an archive. */
export function decodeTarHeader(block: Buffer): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (number(block, "checksum") !== tarChecksum(block)) throw malformedTar("a header's checksum is wrong");
  const isUstar = block.toString("latin1", TAR_FIELDS.magic[0], TAR_FIELDS.magic[0] + 5) === "ustar";
  // GNU's header has other things in the place of the prefix, and is told by the blank behind the magic.
  const hasPrefix = isUstar && block[TAR_FIELDS.magic[0] + 5] === 0;
  const prefix = hasPrefix ? text(block, "prefix") : "";
  const type = String.fromCharCode(block[TAR_FIELDS.type[0]] ?? 0);
  return {
    name: prefix === "" ? text(block, "name") : `${prefix}/${text(block, "name")}`,
    mode: number(block, "mode"),
    uid: number(block, "uid"),
    gid: number(block, "gid"),
    size: number(block, "size"),
    mtime: number(block, "mtime"),
    type: type === "\0" ? "0" : type,
    linkName: text(block, "linkName"),
    // Who writes no devices leaves all kinds of things there.
    deviceMajor: isDevice(type) ? number(block, "deviceMajor") : 0,
    deviceMinor: isDevice(type) ? number(block, "deviceMinor") : 0,
  };
}

function isDevice(type: string): boolean {
  return type === "3" || type === "4";
}

function text(block: Buffer, name: TarField): string {
  const [offset, length] = TAR_FIELDS[name];
  const end = block.indexOf(0, offset);
  return block.toString("utf8", offset, end < 0 ? offset + length : Math.min(end, offset + length));
}

function number(block: Buffer, name: TarField): number {
  const [offset, length] = TAR_FIELDS[name];
  return numberAt(block, { offset, length }, name);
}

/** Octal digits, or with the highest bit set, GNU's big-endian binary. `name` is for the error. */
export function readNumber(bytes: Buffer, name: string): number {
  return numberAt(bytes, { offset: 0, length: bytes.length }, name);
}

interface Place {
  readonly offset: number;
  readonly length: number;
}

/** As `readNumber`, of a part of a block. */
function numberAt(block: Buffer, place: Place, name: string): number {
  const isBinary = ((block[place.offset] ?? 0) & 0x80) !== 0;
  const value = isBinary
    ? binary(block.subarray(place.offset, place.offset + place.length))
    : octal(block, place, name);
  if (!Number.isSafeInteger(value)) throw malformedTar(`a header's ${name} is out of range`);
  return value;
}

function binary(bytes: Buffer): number {
  const digits = Buffer.from(bytes);
  digits[0] = (digits[0] ?? 0) & 0x7f;
  const negative = ((bytes[0] ?? 0) & 0x40) !== 0;
  if (negative) throw malformedTar("a header has a negative number");
  return Number(BigInt(`0x${digits.toString("hex")}`));
}

/** With blanks or zero bytes around it; by hand and without a buffer of its own, as there are six of them in each header. */
function octal(block: Buffer, { offset, length }: Place, name: string): number {
  let value = 0;
  let state: "before" | "within" | "behind" = "before";
  for (let index = offset; index < offset + length; index++) {
    const byte = block[index] ?? 0;
    const isBlank = byte === 0x20 || byte === 0;
    if (!isBlank && (byte < 0x30 || byte > 0x37)) throw malformedTar(`a header's ${name} is no number`);
    if (isBlank) state = state === "before" ? "before" : "behind";
    else if (state !== "behind") {
      state = "within";
      value = value * 8 + byte - 0x30;
    }
  }
  return value;
}

/** The sum of the block's bytes, the checksum itself counting as blanks. */
export function tarChecksum(block: Buffer): number {
  const [offset, length] = TAR_FIELDS.checksum;
  let sum = 0x20 * length;
  for (let index = 0; index < block.length; index++) sum += block[index] ?? 0;
  for (let index = offset; index < offset + length; index++) sum -= block[index] ?? 0;
  return sum;
}

const READING = "read tar archive";

/** @param name of the archive, where it has one */
export function malformedTar(what: string, name?: string): OrlopError {
  const archive = name === undefined ? "tar archive" : `tar archive "${name}"`;
  return new OrlopError("invalid", `Cannot read ${archive}: ${what}`, { operation: READING });
}

/** The same error, with the archive's name where it is about one that had none. */
export function namedTarError(error: unknown, name: string | undefined): unknown {
  const unnamed = malformedTar("").message;
  if (!(error instanceof OrlopError) || error.operation !== READING || !error.message.startsWith(unnamed)) return error;
  return malformedTar(error.message.slice(unnamed.length), name);
}
