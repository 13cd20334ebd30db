import { OrlopError } from "@orlop/core";
import { listProcesses, readFreezerState } from "@orlop/kernel";
import type { CreatePlan } from "../process/compilation.ts";
import { ContainerDirectory } from "../process/container-directory.ts";
import type { ContainerRecord } from "../process/container-record.ts";
import { unsupervisedInit } from "../process/container-status.ts";
import type { Warn } from "../process/warn.ts";

/**
 * Whether a new container's cgroups are in use. Then it shares limits, statistics and freezing with whoever is there, of
 * which it is warned, as by crun's and runc 1.1's silence or word; runc refuses it since 1.2. What ends with it is told by
 * its pid namespace, so that without one it is refused here as well; and systemd makes no unit twice.
 *
 * @throws OrlopError `conflict` also for a frozen one, in which init would never get to its start
 */
export function sharesCgroups({ cgroup, unit, request }: CreatePlan, warn: Warn): boolean {
  const { directories: cgroups = [] } = cgroup ?? {};
  const pids = listProcesses(cgroups);
  const isFrozen = cgroups.some((directory) => ["frozen", "freezing"].includes(readFreezerState([directory])));
  const used = `container's cgroup is not empty: ${pids.length} process(es) found`;
  const refuse = (problem: string): never => {
    const message = `Cannot use cgroup "${cgroups[0]?.path}": ${problem}`;
    throw new OrlopError("conflict", message, { field: "linux.cgroupsPath" });
  };
  if (isFrozen) refuse("container's cgroup unexpectedly frozen");
  if (pids.length === 0) return false;
  const { namespaces = [] } = request.spec.linux ?? {};
  const ownPids = namespaces.some(({ type, path }) => type === "pid" && path === undefined);
  if (unit !== undefined || !ownPids) refuse(used);
  warn(`${used}; the container shares its limits with them`);
  return true;
}

/** Whether a container of that root lives in the cgroups of this one, as its guest. */
export function hasGuests(root: string, { id, cgroups }: ContainerRecord, bootId: string): boolean {
  if (listProcesses(cgroups).length === 0) return false;
  const paths = new Set(cgroups.map(({ path }) => path));
  return ContainerDirectory.list(root).some((other) => {
    const guest = other === id ? undefined : guestAt(new ContainerDirectory(`${root}/${other}`), other, bootId);
    return guest?.cgroups.some(({ path }) => paths.has(path)) === true;
  });
}

function guestAt(directory: ContainerDirectory, id: string, bootId: string): ContainerRecord | undefined {
  try {
    const record = directory.record(id);
    if (record.sharesCgroups !== true) return undefined;
    using init = unsupervisedInit(directory, record, bootId);
    return init === undefined ? undefined : record;
  } catch (error) {
    // Deleted meanwhile, or damaged: nobody's host.
    if (error instanceof OrlopError) return undefined;
    throw error;
  }
}
