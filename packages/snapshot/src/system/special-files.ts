import type { LayerEntry } from "@orlop/core";
import { octal, type Pointer, type ProgramBuilder, TIMESPEC } from "@orlop/kernel";
import type { Attributes } from "../layer/lower-layer.ts";
import type { SystemCalls } from "./system-calls.ts";

/** What Node cannot make of a directory; `path` is relative to it and has no links in it. */
export type SpecialFile =
  | { readonly kind: "whiteout"; readonly path: string }
  | {
      readonly kind: "node";
      readonly path: string;
      readonly type: "character-device" | "block-device" | "fifo";
      readonly device: LayerEntry["device"];
      readonly attributes: Attributes;
    }
  /** One more name of a file that is there, or comes before. */
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  /** Without a value, the attribute is removed. */
  | { readonly kind: "xattr"; readonly path: string; readonly name: string; readonly value: Buffer | undefined }
  /** Node has no nanoseconds. */
  | { readonly kind: "time"; readonly path: string; readonly attributes: Attributes };

const MODE_TYPES = { "character-device": 0o020000, "block-device": 0o060000, fifo: 0o010000 } as const;
/** Of names, values and instructions: a program may have 4 MiB. */
const BATCH_BYTES = 1 << 20;
const OVERHEAD_BYTES = 1024;

/**
 * Makes them in a directory, some after the other.
 *
 * @throws OrlopError `unsupported` where the file system has no such attribute, `denied` for a device that may not be made
 */
export async function makeSpecialFiles(
  system: SystemCalls,
  directory: string,
  files: readonly SpecialFile[],
  keepOwners: boolean,
): Promise<void> {
  for (let from = 0; from < files.length; ) {
    let to = from;
    for (let bytes = 0; to < files.length && bytes < BATCH_BYTES; to++) bytes += sizeOf(files[to]);
    const batch = files.slice(from, to);
    await system.run(`make files in "${directory}"`, (p) => {
      p.call("chdir", [p.text(directory)]);
      for (const file of batch) emitFile(p, file, keepOwners);
    });
    from = to;
  }
}

function sizeOf(file: SpecialFile | undefined): number {
  return OVERHEAD_BYTES + (file?.path.length ?? 0) * 2 + (file?.kind === "xattr" ? (file.value?.length ?? 0) : 0);
}

function emitFile(p: ProgramBuilder, file: SpecialFile, keepOwners: boolean): void {
  const here = p.flags("AT_FDCWD");
  const path = p.text(file.path);
  if (file.kind === "whiteout") {
    p.step({ action: `make whiteout of "${file.path}"` });
    p.call("mknodat", [here, path, octal(p, MODE_TYPES["character-device"]), 0]);
  } else if (file.kind === "link") {
    p.step({ action: `make "${file.path}" a name of "${file.target}"` });
    p.call("linkat", [here, p.text(file.target), here, path, 0]);
  } else if (file.kind === "xattr") emitXattr(p, path, file);
  else if (file.kind === "time") {
    p.step({ action: `set time of "${file.path}"` });
    emitTime(p, path, file.attributes);
  } else emitNode(p, file, keepOwners);
}

function emitXattr(p: ProgramBuilder, path: Pointer, file: Extract<SpecialFile, { kind: "xattr" }>): void {
  const { name, value } = file;
  p.step({ action: `${value === undefined ? "remove" : "set"} attribute "${name}" of "${file.path}"` });
  // Where the kernel has no SELinux its labels mean nothing.
  const ignore = name === "security.selinux" ? ["EOPNOTSUPP", "EPERM"] : [];
  if (value === undefined) p.call("lremovexattr", [path, p.text(name)], { ignore });
  else p.call("lsetxattr", [path, p.text(name), p.bytes(value), value.length, 0], { ignore });
}

function emitNode(p: ProgramBuilder, file: Extract<SpecialFile, { kind: "node" }>, keepOwners: boolean): void {
  const { type, device, attributes } = file;
  const here = p.flags("AT_FDCWD");
  const path = p.text(file.path);
  const noFollow = p.flags("AT_SYMLINK_NOFOLLOW");
  const done = p.label("not made");
  p.step({ action: `make ${type.replace("-", " ")} "${file.path}"` });
  // A container has a /dev of its own: what a layer has there is not missed where devices cannot be made.
  const otherwise = file.path.startsWith("dev/") ? { on: ["EPERM"], goto: done } : {};
  p.call("mknodat", [here, path, octal(p, MODE_TYPES[type] | 0o600), encodeDevice(device)], otherwise);
  if (keepOwners) p.call("fchownat", [here, path, attributes.uid, attributes.gid, noFollow]);
  p.call("fchmodat", [here, path, octal(p, attributes.mode)]);
  emitTime(p, path, attributes);
  p.mark(done);
}

function emitTime(p: ProgramBuilder, path: Pointer, { mtime, mtimeNanoseconds }: Attributes): void {
  const both = Buffer.alloc(2 * TIMESPEC.size);
  for (const at of [0, TIMESPEC.size]) {
    both.writeBigInt64LE(BigInt(mtime), at);
    both.writeBigInt64LE(BigInt(mtimeNanoseconds), at + 8);
  }
  p.call("utimensat", [p.flags("AT_FDCWD"), path, p.bytes(both), p.flags("AT_SYMLINK_NOFOLLOW")]);
}

/** new_encode_dev() of Linux, as mknod(2) takes it. */
function encodeDevice({ major, minor }: LayerEntry["device"]): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}
