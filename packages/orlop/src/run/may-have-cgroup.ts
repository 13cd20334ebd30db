import { type CgroupLayout, parseCgroupsPath, planCgroup } from "@orlop/kernel";

/** Whether a container of an ordinary user's can have a cgroup, and be entered there, by a process that is where the layout says. */
export function mayHaveCgroup(layout: CgroupLayout, containerId: string): boolean {
  const location = parseCgroupsPath(undefined, { driver: "cgroupfs", containerId, rootless: true });
  return planCgroup(layout, location, {}, { rootless: true }).directories.length > 0;
}
