import { readFileSync } from "node:fs";

/** A place where something is mounted. */
export interface MountPoint {
  readonly path: string;
  /** Type of the file system: `ext4`, `fuse.sshfs`. */
  readonly type: string;
  readonly readonly: boolean;
}

let last: { readonly text: string; readonly mounts: readonly MountPoint[] } | undefined;

/** What is mounted where this process is. What was read last is not taken apart again: it is the same for most containers. */
export function readMountTable(): readonly MountPoint[] {
  const text = readFileSync("/proc/self/mountinfo", "utf8");
  if (last?.text !== text) last = { text, mounts: parseMountTable(text) };
  return last.mounts;
}

/**
 * What is mounted where, by the text of /proc/self/mountinfo (proc(5)): of several mounts at one place the topmost, in
 * the order in which they were made.
 */
export function parseMountTable(text: string): readonly MountPoint[] {
  const points = new Map<string, MountPoint>();
  for (const line of text.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const path = unescapeOctal(before.split(" ")[4] ?? "");
    const [type = "", , superOptions = ""] = after.split(" ");
    if (path === "" || type === "") continue;
    const options = [...(before.split(" ")[5] ?? "").split(","), ...superOptions.split(",")];
    points.delete(path);
    points.set(path, { path, type: unescapeOctal(type), readonly: options.includes("ro") });
  }
  return [...points.values()];
}

/** The kernel writes space, tab, newline and backslash as `\040`, `\011`, `\012`, `\134`. */
function unescapeOctal(text: string): string {
  return Buffer.from(
    text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
  ).toString("utf8");
}

/** File systems that show kernel state or devices, not files that somebody stored. */
const KERNEL_TYPES: ReadonlySet<string> = new Set([
  "autofs",
  "binfmt_misc",
  "bpf",
  "cgroup",
  "cgroup2",
  "configfs",
  "debugfs",
  "devpts",
  "devtmpfs",
  "efivarfs",
  "fusectl",
  "hugetlbfs",
  "mqueue",
  "nsfs",
  "proc",
  "pstore",
  "ramfs",
  "resctrl",
  "rpc_pipefs",
  "securityfs",
  "selinuxfs",
  "sysfs",
  "tracefs",
]);

/** Whether a file system of this type holds files that somebody stored. */
export function holdsFiles(type: string): boolean {
  return !KERNEL_TYPES.has(type);
}

/** Directories that everybody may write to, for as long as the machine is up. */
const VOLATILE: readonly string[] = ["/tmp", "/var/tmp"];

/** Whether what is mounted below `path` is no part of what is stored in `root`. */
export function isVolatile(path: string, root: string): boolean {
  return VOLATILE.some((each) => isBelow(each, root) && (path === each || isBelow(path, each)));
}

/** File systems that overlay refuses as a layer, or that give trouble as one: no case-sensitive names, or a server's. */
const NO_LAYER_TYPES: ReadonlySet<string> = new Set([
  "9p",
  "afs",
  "ceph",
  "cifs",
  "exfat",
  "msdos",
  "nfs",
  "nfs4",
  "ntfs",
  "ntfs3",
  "smb3",
  "vfat",
]);

/** Whether overlay takes a file system of this type as its lower layer. */
export function canBeLayer(type: string): boolean {
  return !NO_LAYER_TYPES.has(type) && !type.startsWith("fuse");
}

/** The mount that `path` lies on. */
export function mountOf(path: string, mounts: readonly MountPoint[]): MountPoint | undefined {
  let best: MountPoint | undefined;
  for (const mount of mounts) {
    const contains = mount.path === path || isBelow(path, mount.path);
    if (contains && mount.path.length >= (best?.path.length ?? 0)) best = mount;
  }
  return best;
}

export function isBelow(path: string, directory: string): boolean {
  return path !== directory && path.startsWith(directory === "/" ? "/" : `${directory}/`);
}
