import type { CreateRequest, OrlopError, State } from "@orlop/core";
import { listProcesses, readFreezerState, thawCgroup } from "@orlop/kernel";
import type { ContainerDirectory } from "./container-directory.ts";
import type { ContainerRecord } from "./container-record.ts";

/** Reads a container's status off its directory and its cgroups; `pid` is init's, once it was ready. */
export function containerStatus(
  directory: ContainerDirectory,
  record: ContainerRecord,
  pid: number | undefined,
): State["status"] {
  if (directory.exit() !== undefined) return "stopped";
  if (!directory.supervised()) {
    return pid !== undefined && record.detached && isAlive(record, pid) ? "running" : "stopped";
  }
  if (pid === undefined) return "creating";
  if (readFreezerState(record.cgroups) === "frozen") return "paused";
  return directory.started() ? "running" : "created";
}

/** Only a process that is still in the container's cgroup is its init, whoever has the pid. */
function isAlive(record: ContainerRecord, pid: number): boolean {
  return record.cgroups.length > 0 && listProcesses(record.cgroups).includes(pid);
}

/** Some kernels let a killed process leave a frozen cgroup, and the reaper is quick: it may be gone by now. */
export function thawIfThere(cgroups: ContainerRecord["cgroups"]): void {
  try {
    thawCgroup(cgroups);
  } catch (error) {
    if (!["ENOENT", "ENODEV"].includes((error as OrlopError).errno ?? "")) throw error;
  }
}

export function stateOf(
  { spec, id, bundle }: Pick<CreateRequest, "spec" | "id" | "bundle">,
  status: State["status"],
  pid?: number,
): State {
  return {
    ociVersion: spec.ociVersion,
    id,
    status,
    ...(pid === undefined ? {} : { pid }),
    bundle,
    annotations: spec.annotations ?? {},
  };
}
