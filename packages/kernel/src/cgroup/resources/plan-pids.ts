import type { LinuxPids } from "@orlop/core";
import type { WriteCgroupFile } from "../cgroup-plan.ts";
import { type ResourceContext, resourceTarget, resourceWrite } from "./resource-context.ts";

/**
 * Carries out `linux.resources.pids` (config-linux.md, "PIDs").
 *
 * A limit of 0 becomes 1, as in runc: it still refuses every fork in the container, but with 0 the container's
 * first process could not be cloned into the cgroup either, and systemd takes no 0.
 */
export function planPids(pids: LinuxPids, context: ResourceContext): WriteCgroupFile[] {
  const { limit } = pids;
  if (limit === undefined) return [];
  const target = resourceTarget(context, "pids", "pids.limit", limit);
  if (limit < 0) return [resourceWrite(target, "pids.limit", "pids.max", "max", "Takes away the limit of tasks")];
  const tasks = limit > 0 ? limit : 1;
  return [
    resourceWrite(target, "pids.limit", "pids.max", `${tasks}`, `Allows ${tasks} tasks at once; fork fails beyond`),
  ];
}
