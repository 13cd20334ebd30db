import { type LayerEntryKind, OrlopError } from "@orlop/core";
import { EXTENSION_MAX_BYTES, TAR_BLOCK_BYTES, TAR_FIELDS, type TarField, tarChecksum } from "./tar-header.ts";
import type { TarEntry } from "./write-tar.ts";

const TYPES: Readonly<Record<LayerEntryKind, string>> = {
  file: "0",
  "hard-link": "1",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  directory: "5",
  fifo: "6",
};

const HAS_TARGET: ReadonlySet<LayerEntryKind> = new Set(["hard-link", "symlink"]);
const IS_DEVICE: ReadonlySet<LayerEntryKind> = new Set(["character-device", "block-device"]);

/** The largest number of a field with 7 octal digits, and of one with 11. */
const SHORT_MAX = 0o7777777;
const LONG_MAX = 0o77777777777;

/** The name that everybody gives to extended headers who does not name them for their entries. */
const EXTENSION_NAME = "././@PaxHeader";

type PaxRecord = readonly [keyword: string, value: string | Buffer];

/** The header of an entry with `size` bytes of content, and in front of it the extended header that it needs. */
export function encodeTarHeader(entry: TarEntry, size: number): Buffer {
  const { kind, uid = 0, gid = 0, mtime = 0, mtimeNanoseconds = 0, device } = entry;
  const path = pathOf(entry);
  const target = targetOf(entry);
  const name = splitPath(path);
  const records: PaxRecord[] = [];
  if (name === undefined) records.push(["path", path]);
  if (!fits(target, TAR_FIELDS.linkName[1])) records.push(["linkpath", target]);
  if (size > LONG_MAX) records.push(["size", `${size}`]);
  if (uid > SHORT_MAX) records.push(["uid", `${uid}`]);
  if (gid > SHORT_MAX) records.push(["gid", `${gid}`]);
  const hasPlainTime = mtimeNanoseconds === 0 && mtime >= 0 && mtime <= LONG_MAX;
  if (!hasPlainTime) records.push(["mtime", decimalTime(mtime, mtimeNanoseconds)]);
  records.push(...xattrRecords(entry));

  const block = Buffer.alloc(TAR_BLOCK_BYTES);
  const [prefix, base] = name ?? ["", ""];
  putText(block, "name", base);
  putText(block, "prefix", prefix);
  if (fits(target, TAR_FIELDS.linkName[1])) putText(block, "linkName", target);
  putNumber(block, "mode", entry.mode & 0o7777);
  putNumber(block, "uid", uid > SHORT_MAX ? 0 : uid);
  putNumber(block, "gid", gid > SHORT_MAX ? 0 : gid);
  putNumber(block, "size", size > LONG_MAX ? 0 : size);
  putNumber(block, "mtime", mtime < 0 || mtime > LONG_MAX ? 0 : mtime);
  const { major, minor } = device !== undefined && IS_DEVICE.has(kind) ? device : { major: 0, minor: 0 };
  if (major > SHORT_MAX || minor > SHORT_MAX) throw refused(path, `the device ${major}:${minor} does not fit`);
  putNumber(block, "deviceMajor", major);
  putNumber(block, "deviceMinor", minor);
  finish(block, TYPES[kind]);
  return records.length === 0 ? block : Buffer.concat([...encodeExtension(path, records), block]);
}

function pathOf({ kind, path }: TarEntry): string {
  const text = expectText(path, path, "its path");
  if (kind === "directory") return text.endsWith("/") ? text : `${text}/`;
  if (text.endsWith("/")) throw refused(path, `the path of a ${kind} does not end with a slash`);
  return text;
}

function targetOf({ kind, path, target = "" }: TarEntry): string {
  return HAS_TARGET.has(kind) ? expectText(target, path, "its target") : "";
}

function expectText(text: string, path: string, what: string): string {
  if (text === "") throw refused(path, `${what} is empty`);
  if (text.includes("\0")) throw refused(path, `${what} has a zero byte`);
  return text;
}

function fits(text: string, length: number): boolean {
  // What is no ASCII has no encoding that ustar would agree on.
  return text.length <= length && Buffer.byteLength(text) === text.length;
}

/** Into the two fields of a header, which stand for one path with a slash in between. */
function splitPath(path: string): readonly [prefix: string, name: string] | undefined {
  const nameMax = TAR_FIELDS.name[1];
  const prefixMax = TAR_FIELDS.prefix[1];
  if (fits(path, nameMax)) return ["", path];
  if (!fits(path, prefixMax + 1 + nameMax)) return undefined;
  // The first slash behind which the rest fits; that of a directory at its end is no place to split at.
  const slash = path.indexOf("/", path.length - 1 - nameMax);
  return slash < 1 || slash > prefixMax || slash === path.length - 1
    ? undefined
    : [path.slice(0, slash), path.slice(slash + 1)];
}

/** Seconds with a fraction as pax has them; nanoseconds count upwards from the second also before 1970. */
function decimalTime(seconds: number, nanoseconds: number): string {
  const isBefore = seconds < 0 && nanoseconds > 0;
  const whole = isBefore ? -(seconds + 1) : Math.abs(seconds);
  const fraction = `${isBefore ? 1_000_000_000 - nanoseconds : nanoseconds}`.padStart(9, "0").replace(/0+$/, "");
  return `${seconds < 0 ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

function xattrRecords({ path, xattrs }: TarEntry): readonly PaxRecord[] {
  if (xattrs === undefined || xattrs.size === 0) return [];
  const names = [...xattrs.keys()].sort();
  const wrong = names.find((name) => name === "" || /[=\0]/.test(name));
  if (wrong !== undefined) throw refused(path, `no extended header can name its attribute "${wrong}"`);
  return names.map((name) => [`SCHILY.xattr.${name}`, xattrs.get(name) ?? ""]);
}

/** The extended header's own header, its records and what fills up their last block. */
function encodeExtension(path: string, records: readonly PaxRecord[]): readonly Buffer[] {
  const content = Buffer.concat(records.flatMap(encodeRecord));
  if (content.length > EXTENSION_MAX_BYTES) {
    throw new OrlopError(
      "exhausted",
      `Cannot archive "${path}": its extended header has more than ${EXTENSION_MAX_BYTES} bytes`,
    );
  }
  const block = Buffer.alloc(TAR_BLOCK_BYTES);
  putText(block, "name", EXTENSION_NAME);
  putNumber(block, "mode", 0o644);
  for (const field of ["uid", "gid", "mtime", "deviceMajor", "deviceMinor"] as const) putNumber(block, field, 0);
  putNumber(block, "size", content.length);
  finish(block, "x");
  const padding = (TAR_BLOCK_BYTES - (content.length % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES;
  return [block, content, Buffer.alloc(padding)];
}

/** `LENGTH KEYWORD=VALUE\n`, where LENGTH counts the whole record in bytes, its own digits too. */
function encodeRecord([keyword, value]: PaxRecord): readonly Buffer[] {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  const head = ` ${keyword}=`;
  const rest = Buffer.byteLength(head) + bytes.length + 1;
  let length = rest + `${rest}`.length;
  if (`${length}`.length > `${rest}`.length) length += 1;
  return [Buffer.from(`${length}${head}`), bytes, NEWLINE];
}

const NEWLINE: Buffer = Buffer.from("\n");

function putText(block: Buffer, field: TarField, text: string): void {
  block.write(text, TAR_FIELDS[field][0], "latin1");
}

function putNumber(block: Buffer, field: TarField, value: number): void {
  const [offset, length] = TAR_FIELDS[field];
  block.write(value.toString(8).padStart(length - 1, "0"), offset, "latin1");
}

function finish(block: Buffer, type: string): void {
  putText(block, "type", type);
  block.write("ustar\u000000", TAR_FIELDS.magic[0], "latin1");
  const [offset] = TAR_FIELDS.checksum;
  block.write(`${tarChecksum(block).toString(8).padStart(6, "0")}\0 `, offset, "latin1");
}

function refused(path: string, what: string): OrlopError {
  return new OrlopError("invalid", `Cannot archive "${path}": ${what}`);
}
