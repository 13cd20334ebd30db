import { OrlopError } from "@orlop/core";
import { readCgroupLayout } from "@orlop/kernel";
import { mayHaveCgroup } from "./may-have-cgroup.ts";

/**
 * The end of its first process ends all others of a container with process ids of its own; where they are this machine's, its
 * cgroup does. An ordinary user may have none, and what such a container leaves running would never be ended.
 *
 * @throws OrlopError `unsupported`
 */
export function refuseHostPids(containerId: string): void {
  if (mayHaveCgroup(readCgroupLayout(), containerId)) return;
  const what = "without a cgroup of the container's own nothing would end the processes that it leaves behind";
  const way = 'Try "systemd-run --user --scope -p Delegate=yes" in front of the command, or root.';
  throw new OrlopError("unsupported", `Cannot use flag "--pid": ${what}\n${way}`, { field: "pid" });
}
