import { MOUNT_ATTR } from "../abi/structs.ts";
import type { CallOptions, ProgramBuilder, Value } from "../program/builder.ts";
import { Pointer, type Slot } from "../program/instruction.ts";
import type { AttributeChange, MountOptions } from "./mount-options.ts";

/** Attributes that fsmount(2) takes; an access-time mode is one value, not a flag. */
function attributeFlags(change: AttributeChange): string {
  return change.set.join("|");
}

export interface NewFileSystem {
  readonly type: string;
  /** A text, or memory that holds one when the program comes here. */
  readonly source: string | Pointer;
  readonly options: MountOptions;
}

/** `into` = descriptor of a new, unattached mount: fsopen, fsconfig, fsmount. */
export function emitNewFileSystem(p: ProgramBuilder, fs: NewFileSystem, into: Slot): void {
  const context = p.slot("fs_context");
  p.call("fsopen", [p.text(fs.type), p.flags("FSOPEN_CLOEXEC")], { into: context });
  if (fs.source instanceof Pointer) {
    p.call("fsconfig", [context, p.flags("FSCONFIG_SET_STRING"), p.text("source"), fs.source, 0]);
  } else if (fs.source !== "") emitParameters(p, context, [], [["source", fs.source]]);
  emitParameters(p, context, fs.options.superblockFlags, fs.options.data);
  p.call("fsconfig", [context, p.flags("FSCONFIG_CMD_CREATE"), 0, 0, 0]);
  const attributes = p.flags(attributeFlags(fs.options.attributes));
  p.call("fsmount", [context, p.flags("FSMOUNT_CLOEXEC"), attributes], { into });
  p.call("close", [context]);
}

/** Gives the file system whose mount `fd` refers to other options; what is not named stays as it is. */
export function emitReconfigure(p: ProgramBuilder, fd: Slot, { superblockFlags, data }: MountOptions): void {
  const context = p.slot("fs_context");
  p.call("fspick", [fd, p.text(""), p.flags("FSPICK_CLOEXEC|FSPICK_EMPTY_PATH")], { into: context });
  emitParameters(p, context, superblockFlags, data);
  p.call("fsconfig", [context, p.flags("FSCONFIG_CMD_RECONFIGURE"), 0, 0, 0]);
  p.call("close", [context]);
}

function emitParameters(
  p: ProgramBuilder,
  context: Slot,
  flags: readonly string[],
  data: readonly (readonly [string, string | undefined])[],
): void {
  for (const [key, value] of [...flags.map((flag) => [flag, undefined] as const), ...data]) {
    if (value === undefined) p.call("fsconfig", [context, p.flags("FSCONFIG_SET_FLAG"), p.text(key), 0, 0]);
    else p.call("fsconfig", [context, p.flags("FSCONFIG_SET_STRING"), p.text(key), p.text(value), 0]);
  }
}

/** `into` = descriptor of an unattached copy of the mount at `path` (below `directory`). */
export function emitCloneMount(
  p: ProgramBuilder,
  directory: Value,
  path: string,
  recursive: boolean,
  into: Slot,
  otherwise: Pick<CallOptions, "on" | "goto"> = {},
): void {
  const flags = `OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC${recursive ? "|AT_RECURSIVE" : ""}${path === "" ? "|AT_EMPTY_PATH" : ""}`;
  p.call("open_tree", [directory, p.text(path), p.flags(flags)], { into, ...otherwise });
}

/** Attaches the mount `fd` at the place that `target` refers to. */
export function emitAttach(p: ProgramBuilder, fd: Slot, target: Slot): void {
  const flags = p.flags("MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH");
  p.call("move_mount", [fd, p.text(""), target, p.text(""), flags]);
}

export interface AttributeSetting {
  readonly change?: AttributeChange;
  readonly propagation?: string;
  readonly recursive: boolean;
  /** Where the kernel has only the old calls, which know no recursion of attributes, the uppermost mount alone is enough. */
  readonly legacySingle?: true;
  /** Idmap the mount by this user namespace. */
  readonly userNamespace?: Slot;
}

const ATIME_MODES: ReadonlySet<string> = new Set([
  "MOUNT_ATTR_NOATIME",
  "MOUNT_ATTR_STRICTATIME",
  "MOUNT_ATTR_RELATIME",
]);

/** mount_setattr(2) on a descriptor; nothing when there is nothing to change. */
export function emitMountAttributes(p: ProgramBuilder, fd: Slot, setting: AttributeSetting): void {
  const set = [...(setting.change?.set ?? [])] as string[];
  const clear = new Set<string>(setting.change?.clear ?? []);
  // The access-time modes are values of one field: setting one clears the field, clearing one means relatime.
  const atime = [...set, ...clear].some((name) => ATIME_MODES.has(name));
  if (atime) {
    for (const mode of ATIME_MODES) clear.delete(mode);
    clear.add("MOUNT_ATTR__ATIME");
  }
  if (setting.userNamespace !== undefined) set.push("MOUNT_ATTR_IDMAP");
  if (set.length === 0 && clear.size === 0 && setting.propagation === undefined) return;
  const attributes = p.struct(MOUNT_ATTR, {
    attr_set: p.flags(set.join("|")),
    attr_clr: p.flags([...clear].join("|")),
    propagation: p.flags(setting.propagation ?? ""),
  });
  if (setting.userNamespace !== undefined)
    p.store(attributes.at(MOUNT_ATTR.fields.userns_fd.offset), 8, setting.userNamespace);
  const flags = p.flags(setting.recursive ? "AT_EMPTY_PATH|AT_RECURSIVE" : "AT_EMPTY_PATH");
  const missing = p.label("no mount_setattr");
  const legacy = hasLegacyForm(setting);
  p.call(
    "mount_setattr",
    [fd, p.text(""), flags, attributes, MOUNT_ATTR.size],
    legacy ? { on: ["ENOSYS"], goto: missing } : {},
  );
  if (!legacy) return;
  const done = p.label("attributes are set");
  const absent = p.slot("no_mount_setattr");
  p.set(absent, 0);
  p.jump(done);
  p.mark(missing);
  p.set(absent, 1);
  p.mark(done);
}

/**
 * Has links followed again below a mount whose source forbids it: MS_NOSYMFOLLOW, which mount_setattr(2) knows since Linux
 * 5.14. It is not locked in user namespaces.
 */
export function emitFollowLinks(p: ProgramBuilder, fd: Slot): void {
  const attributes = p.struct(MOUNT_ATTR, { attr_clr: p.flags("MOUNT_ATTR_NOSYMFOLLOW") });
  p.call("mount_setattr", [fd, p.text(""), p.flags("AT_EMPTY_PATH"), attributes, MOUNT_ATTR.size], {
    ignore: ["EINVAL", "ENOSYS"],
  });
}

/** What mount(2) can do, too: flags of one mount, and the propagation of any. */
function hasLegacyForm({ change, recursive, userNamespace, legacySingle }: AttributeSetting): boolean {
  return (!recursive || legacySingle === true || change === undefined) && userNamespace === undefined;
}

/** A descriptor number that no program uses otherwise, so that its path in /proc is known when the program is written. */
const LEGACY_FD = 200;

/**
 * The same as {@link emitMountAttributes}, on a mount that is attached by now, for kernels before 5.12 and for sandboxes
 * that filter mount_setattr(2): a remount by way of /proc. It does nothing where mount_setattr has worked. As with every
 * bind remount, flags that are not named are cleared.
 */
export function emitLegacyAttributes(p: ProgramBuilder, fd: Slot, setting: AttributeSetting): void {
  if (!hasLegacyForm(setting)) return;
  const { set = [], clear = [] } = setting.change ?? {};
  const names = set.map((name) => name.replace("MOUNT_ATTR_", "MS_"));
  const changes = set.length + clear.length > 0;
  if (!changes && setting.propagation === undefined) return;
  const done = p.label("nothing to do the old way");
  p.branch(p.slot("no_mount_setattr"), "eq", 0, done);
  p.call("dup3", [fd, LEGACY_FD, p.flags("O_CLOEXEC")]);
  const path = p.text(`/proc/self/fd/${LEGACY_FD}`);
  if (changes) p.call("mount", [0, path, 0, p.flags(["MS_REMOUNT", "MS_BIND", ...names].join("|")), 0]);
  if (setting.propagation !== undefined) {
    p.call("mount", [0, path, 0, p.flags(`${setting.propagation}${setting.recursive ? "|MS_REC" : ""}`), 0]);
  }
  p.call("close", [LEGACY_FD]);
  p.mark(done);
}

/** Sets attributes and attaches: nobody sees the mount without them, except where the kernel knows only the old calls. */
export function emitAttachWith(p: ProgramBuilder, fd: Slot, target: Slot, setting: AttributeSetting): void {
  emitMountAttributes(p, fd, setting);
  emitAttach(p, fd, target);
  emitLegacyAttributes(p, fd, setting);
}
