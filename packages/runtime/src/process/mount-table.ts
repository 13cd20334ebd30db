import { readFileSync } from "node:fs";

/** One line of proc(5), /proc/PID/mountinfo, as far as it is used. */
export interface MountEntry {
  readonly id: number;
  readonly parentId: number;
  /** `major:minor` of the file system. */
  readonly device: string;
  readonly mountPoint: string;
  readonly options: readonly string[];
  readonly type: string;
}

/** The mounts that a process sees; those of this process by default. */
export function readMountTable(pid: number | "self" = "self"): readonly MountEntry[] {
  return readFileSync(`/proc/${pid}/mountinfo`, "utf8").trimEnd().split("\n").map(parseLine);
}

function parseLine(line: string): MountEntry {
  const [id, parentId, device = "", , mountPoint = "", options = "", ...rest] = line.split(" ");
  return {
    id: Number(id),
    parentId: Number(parentId),
    device,
    mountPoint: mountPoint.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    ),
    options: options.split(","),
    // Behind any number of optional fields and a hyphen.
    type: rest[rest.indexOf("-") + 1] ?? "",
  };
}
