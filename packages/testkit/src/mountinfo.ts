/** One line of /proc/PID/mountinfo (proc_pid_mountinfo(5)), paths unescaped. */
export interface MountinfoEntry {
  readonly id: number;
  readonly parentId: number;
  /** `major:minor`. */
  readonly device: string;
  /** What of the file system is mounted. */
  readonly root: string;
  readonly mountPoint: string;
  /** Options of the mount, comma separated, as the kernel orders them. */
  readonly options: string;
  /** `shared:N`, `master:N`, `propagate_from:N`, `unbindable`. */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  /** Options of the file system. */
  readonly superOptions: string;
}

/** The kernel writes space, tab, newline and backslash as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function parseLine(line: string): MountinfoEntry {
  const [mount = "", fileSystem = ""] = line.split(" - ", 2);
  const [id, parentId, device = "", root = "", mountPoint = "", options = "", ...propagation] = mount.split(" ");
  const [type = "", source = "", superOptions = ""] = fileSystem.split(" ");
  return {
    id: Number(id),
    parentId: Number(parentId),
    device,
    root: unescapeOctal(root),
    mountPoint: unescapeOctal(mountPoint),
    options,
    propagation,
    type,
    source: unescapeOctal(source),
    superOptions: unescapeOctal(superOptions),
  };
}

/** Reads a mountinfo file's text, in its order. */
export function parseMountinfo(text: string): readonly MountinfoEntry[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(parseLine);
}
