import { existsSync } from "node:fs";
import { OrlopError } from "@orlop/core";
import { listProcesses, readFreezerState } from "@orlop/kernel";
import type { CreatePlan } from "../process/compilation.ts";
import type { Warn } from "../process/warn.ts";

/**
 * Looks whether a new container's cgroups are in use. Then it shares limits, statistics and freezing with whoever is there,
 * of which it is warned, as by runc 1.1 and not by crun; runc refuses it since 1.2. What ends with the container is told by
 * its pid namespace, so that without one it is refused here as well; and systemd makes no unit twice.
 *
 * @throws OrlopError `conflict` also for a frozen one, in which init would never get to its start
 */
export function checkUsedCgroups({ cgroup, unit, request }: CreatePlan, warn: Warn): void {
  // Most often there is none, and what is not there says so in a fraction of the time that reading takes to fail.
  const cgroups = (cgroup?.directories ?? []).filter(({ path }) => existsSync(path));
  if (cgroups.length === 0) return;
  const pids = listProcesses(cgroups);
  const isFrozen = cgroups.some((directory) => ["frozen", "freezing"].includes(readFreezerState([directory])));
  const used = `container's cgroup is not empty: ${pids.length} process(es) found`;
  const refuse = (problem: string): never => {
    const message = `Cannot use cgroup "${cgroups[0]?.path}": ${problem}`;
    throw new OrlopError("conflict", message, { field: "linux.cgroupsPath" });
  };
  if (isFrozen) refuse("container's cgroup unexpectedly frozen");
  if (pids.length === 0) return;
  const { namespaces = [] } = request.spec.linux ?? {};
  const ownPids = namespaces.some(({ type, path }) => type === "pid" && path === undefined);
  if (unit !== undefined || !ownPids) refuse(used);
  warn(`${used}; the container shares its limits with them`);
}
