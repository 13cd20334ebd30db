import { errnoNumber } from "../abi/errno.ts";
import { OPEN_HOW, STATFS_BYTES, STATX_BYTES, STATX_MODE_OFFSET } from "../abi/structs.ts";
import type { ProgramBuilder } from "../program/builder.ts";
import type { Immediate, Label, Pointer, Slot } from "../program/instruction.ts";

/**
 * The one place that turns a path inside a root file system into a descriptor.
 *
 * The root is hostile: its links may point anywhere and may change while we look. So a path is resolved once, by the
 * kernel, below the root's descriptor, and the descriptor is what is used from then on
 * (CVE-2019-18837, CVE-2021-30465, CVE-2024-45310).
 */
const IN_ROOT = "RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS";
const NO_LINKS = "RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS|RESOLVE_NO_SYMLINKS";

interface OpenInRootOptions {
  /** Constants of open(2); O_CLOEXEC is added. */
  readonly flags: string;
  /** A symbolic link anywhere in the path is an error (ELOOP) instead of being followed inside the root. */
  readonly refuseLinks?: boolean;
  readonly mode?: number;
  /** Where to go on ENOENT, and on ENOTDIR; otherwise they are failures. */
  readonly absent?: Label;
}

/** `into` = descriptor of `path` below `root`. */
export function emitOpenInRoot(
  p: ProgramBuilder,
  root: Slot,
  path: string,
  into: Slot,
  options: OpenInRootOptions,
): void {
  const how = openHow(p, `${options.flags}|O_CLOEXEC`, options.refuseLinks === true ? NO_LINKS : IN_ROOT, options.mode);
  p.call("openat2", [root, p.text(relative(path)), how, OPEN_HOW.size], {
    into,
    ...(options.absent === undefined ? {} : { on: ["ENOENT", "ENOTDIR"], goto: options.absent }),
  });
}

export function openHow(p: ProgramBuilder, flags: string, resolve: string, mode = 0): Pointer {
  return p.struct(OPEN_HOW, { flags: p.flags(flags), mode: octal(p, mode), resolve: p.flags(resolve) });
}

export function octal(p: ProgramBuilder, mode: number): Immediate {
  return p.number(mode, mode === 0 ? "0" : `0${mode.toString(8)}`);
}

interface PlaceOptions {
  /** A symbolic link anywhere in the path is an error (ELOOP) instead of being followed inside the root. */
  readonly refuseLinks?: boolean;
  /**
   * Where links in the path lead that lead to nothing, as somebody saw it before: there it is made. If they lead elsewhere
   * by now, what is made there is of no use and no harm.
   */
  readonly leadsTo?: string | undefined;
}

/** `into` = O_PATH descriptor of the directory `path`, made with its parents where missing (mode 0755). */
export function emitDirectoryInRoot(
  p: ProgramBuilder,
  root: Slot,
  path: string,
  into: Slot,
  { refuseLinks = false, leadsTo }: PlaceOptions = {},
): void {
  const make = p.label("make the directory");
  const done = p.label("directory is open");
  const flags = "O_PATH|O_DIRECTORY";
  const open = (absent: Label): void => {
    const how = openHow(p, `${flags}|O_CLOEXEC`, refuseLinks ? NO_LINKS : IN_ROOT);
    p.call("openat2", [root, p.text(relative(path)), how, OPEN_HOW.size], { into, on: ["ENOENT"], goto: absent });
    p.jump(done);
    p.mark(absent);
  };
  open(make);
  if (leadsTo !== undefined) {
    emitMakeParents(p, root, leadsTo, into, flags, refuseLinks);
    p.call("close", [into]);
    open(p.label("it leads elsewhere"));
  }
  emitMakeParents(p, root, path, into, flags, refuseLinks);
  p.mark(done);
}

/** As above, for the mount point of something that is not a directory: an empty file where nothing stands. */
export function emitFileInRoot(p: ProgramBuilder, root: Slot, path: string, into: Slot): void {
  const make = p.label("make the file");
  const done = p.label("file is open");
  emitOpenInRoot(p, root, path, into, { flags: "O_PATH", absent: make });
  p.jump(done);
  p.mark(make);
  const parts = components(path);
  const name = parts.pop() ?? "";
  const parent = p.slot("parent");
  if (parts.length === 0) p.set(parent, root);
  else emitDirectoryInRoot(p, root, parts.join("/"), parent);
  emitMakeFile(p, parent, name);
  if (parts.length > 0) p.call("close", [parent]);
  emitOpenInRoot(p, root, path, into, { flags: "O_PATH" });
  p.mark(done);
}

function emitMakeFile(p: ProgramBuilder, parent: Slot, name: string): void {
  const created = p.slot("created");
  const resolve = "RESOLVE_BENEATH|RESOLVE_NO_MAGICLINKS|RESOLVE_NO_SYMLINKS";
  const create = openHow(p, "O_CREAT|O_NOFOLLOW|O_CLOEXEC", resolve, 0o644);
  p.call("openat2", [parent, p.text(name), create, OPEN_HOW.size], { into: created });
  p.call("close", [created]);
}

/**
 * `into` = the mount point for the mount `mount`, whatever that turns out to be: what stands at `path`, else a directory or
 * an empty file, made with its parents. Fails with ENOTDIR or EISDIR where one is a directory and the other is none.
 */
export function emitMountPointInRoot(
  p: ProgramBuilder,
  root: Slot,
  path: string,
  mount: Slot,
  into: Slot,
  { refuseLinks = false, leadsTo }: PlaceOptions = {},
): void {
  const source = p.slot("source_type");
  const place = p.slot("place_type");
  const made = p.label("mount point is open");
  const directory = p.label("it is a directory");
  const right = p.label("mount point is right");
  emitMountedType(p, mount, source);
  emitOpenOrMake(p, { root, path, refuseLinks, leadsTo, source }, into, made);
  p.mark(made);
  emitFileType(p, into, place);
  p.branch(source, "eq", p.flags("S_IFDIR"), directory);
  p.branch(place, "ne", p.flags("S_IFDIR"), right);
  p.fail("EISDIR");
  p.mark(directory);
  p.branch(place, "eq", p.flags("S_IFDIR"), right);
  p.fail("ENOTDIR");
  p.mark(right);
}

interface WantedPlace extends PlaceOptions {
  readonly root: Slot;
  readonly path: string;
  /** File type of what is to be mounted there. */
  readonly source: Slot;
}

function emitOpenOrMake(p: ProgramBuilder, wanted: WantedPlace, into: Slot, made: Label): void {
  const { root, path, refuseLinks = false, leadsTo } = wanted;
  const open = { flags: "O_PATH", refuseLinks };
  // The root itself is there.
  if (components(path).length === 0) {
    emitOpenInRoot(p, root, path, into, open);
    return;
  }
  const make = p.label("make the mount point");
  emitOpenInRoot(p, root, path, into, { ...open, absent: make });
  p.jump(made);
  p.mark(make);
  if (leadsTo !== undefined) {
    const elsewhere = p.label("it leads elsewhere");
    emitMakePlace(p, { ...wanted, path: leadsTo });
    emitOpenInRoot(p, root, path, into, { ...open, absent: elsewhere });
    p.jump(made);
    p.mark(elsewhere);
  }
  emitMakePlace(p, wanted);
  emitOpenInRoot(p, root, path, into, open);
}

/** A directory or an empty file, with its parents. */
function emitMakePlace(p: ProgramBuilder, { root, path, refuseLinks = false, source }: WantedPlace): void {
  const directory = p.label("make a directory");
  const made = p.label("it is made");
  const parent = p.slot("parent");
  const parts = components(path);
  const name = parts.pop() ?? "";
  if (parts.length === 0) p.set(parent, root);
  else emitDirectoryInRoot(p, root, parts.join("/"), parent, { refuseLinks });
  p.branch(source, "eq", p.flags("S_IFDIR"), directory);
  emitMakeFile(p, parent, name);
  p.jump(made);
  p.mark(directory);
  p.call("mkdirat", [parent, p.text(name), octal(p, 0o755)], { ignore: ["EEXIST"] });
  p.mark(made);
  if (parts.length > 0) p.call("close", [parent]);
}

/** `into` = S_IFDIR, S_IFREG, ... of what `fd` refers to; on EACCES it goes to `secret`, if given. */
function emitFileType(p: ProgramBuilder, fd: Slot, into: Slot, secret?: Label): void {
  const stat = p.scratch(STATX_BYTES, "{statx}");
  const denied = secret === undefined ? {} : { on: ["EACCES"], goto: secret };
  p.call("statx", [fd, p.text(""), p.flags("AT_EMPTY_PATH"), p.flags("STATX_TYPE"), stat], denied);
  p.load(into, stat.at(STATX_MODE_OFFSET), 2);
  p.and(into, into, p.flags("S_IFMT"));
}

/**
 * As above, of a mount's root, also where its file system tells nothing: FUSE does not, to anybody but the user who has mounted
 * it. Then it is a directory (S_IFDIR) if a path may go on from it, and else taken for a file (S_IFREG).
 */
function emitMountedType(p: ProgramBuilder, mount: Slot, into: Slot): void {
  const secret = p.label("the type is not told");
  const known = p.label("the type is known");
  emitFileType(p, mount, into, secret);
  p.jump(known);
  p.mark(secret);
  const result = p.slot("told");
  const stat = p.scratch(STATX_BYTES, "{statx}");
  p.set(into, p.flags("S_IFDIR"));
  // Whether it is a directory at all is asked before whether one may look into it.
  p.call("statx", [mount, p.text("."), 0, p.flags("STATX_TYPE"), stat], {
    into: result,
    ignore: ["EACCES", "ENOTDIR"],
  });
  p.branch(result, "ne", p.number(-errnoNumber("ENOTDIR"), "-ENOTDIR"), known);
  p.set(into, p.flags("S_IFREG"));
  p.mark(known);
}

/** Makes one component after the other, each relative to the descriptor of the one before. */
function emitMakeParents(
  p: ProgramBuilder,
  root: Slot,
  path: string,
  into: Slot,
  flags: string,
  refuseLinks: boolean,
): void {
  const parent = p.slot("parent_directory");
  const parts = components(path);
  p.set(parent, root);
  for (const [index, name] of parts.entries()) {
    p.call("mkdirat", [parent, p.text(name), octal(p, 0o755)], { ignore: ["EEXIST"] });
    if (index > 0) p.call("close", [parent]);
    const last = index === parts.length - 1;
    emitOpenInRoot(p, root, parts.slice(0, index + 1).join("/"), last ? into : parent, { flags, refuseLinks });
  }
}

/** Fails with ELOOP... EXDEV unless `fd` lies on a file system of type `magic`: procfs that is no procfs (CVE-2019-16884). */
export function emitExpectFileSystem(p: ProgramBuilder, fd: Slot, magic: "PROC_SUPER_MAGIC" | "SYSFS_MAGIC"): void {
  const type = p.slot("f_type");
  const statfs = p.buffer(STATFS_BYTES, "{statfs}");
  const right = p.label("file system is right");
  p.call("fstatfs", [fd, statfs]);
  p.load(type, statfs, 8);
  p.branch(type, "eq", p.flags(magic), right);
  p.fail("EXDEV");
  p.mark(right);
}

/** Path components without empty ones and `.`; `..` stays for the kernel to resolve inside the root. */
export function components(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function relative(path: string): string {
  return components(path).join("/") || ".";
}
