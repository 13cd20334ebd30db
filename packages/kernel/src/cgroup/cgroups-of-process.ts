import { readFileSync } from "node:fs";
import { allHierarchies, hierarchyLabel } from "./cgroup-layout.ts";
import type { CgroupDirectory } from "./cgroup-plan.ts";
import { parseCgroupLayout } from "./detect-cgroups.ts";

/**
 * The cgroups that a process is in, as far as they are not this process's own: where somebody else has put it. Empty for
 * a process that is gone.
 */
export function cgroupsOfProcess(pid: number): readonly CgroupDirectory[] {
  const mountinfo = readFileSync("/proc/self/mountinfo", "utf8");
  const controllersAt = (mountPoint: string): string => readFileSync(`${mountPoint}/cgroup.controllers`, "utf8");
  const read = (who: string): readonly CgroupDirectory[] => {
    const layout = parseCgroupLayout({
      mountinfo,
      ownCgroups: readFileSync(`/proc/${who}/cgroup`, "utf8"),
      controllersAt,
    });
    return allHierarchies(layout).flatMap((hierarchy) => {
      const { version, controllers, ownDirectory: path, noPrefix } = hierarchy;
      return path === undefined ? [] : [{ version, label: hierarchyLabel(hierarchy), controllers, path, noPrefix }];
    });
  };
  const ours = new Set(read("self").map(({ path }) => path));
  try {
    return read(String(pid)).filter(({ path }) => !ours.has(path));
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
