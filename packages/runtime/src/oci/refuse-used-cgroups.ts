import { OrlopError } from "@orlop/core";
import { listProcesses, readFreezerState } from "@orlop/kernel";
import type { ContainerRecord } from "../process/container-record.ts";

/**
 * Two containers in one cgroup would share limits, and one's end would be the other's. In a frozen one, init would never
 * get to its start.
 */
export function refuseUsedCgroups(cgroups: ContainerRecord["cgroups"]): void {
  const pids = listProcesses(cgroups);
  const isFrozen = cgroups.some((cgroup) => ["frozen", "freezing"].includes(readFreezerState([cgroup])));
  const problem =
    pids.length > 0
      ? `container's cgroup is not empty: ${pids.length} process(es) found`
      : isFrozen
        ? "container's cgroup unexpectedly frozen"
        : undefined;
  if (problem === undefined) return;
  throw new OrlopError("conflict", `Cannot use cgroup "${cgroups[0]?.path}": ${problem}`, {
    field: "linux.cgroupsPath",
  });
}
