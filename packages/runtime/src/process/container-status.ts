import type { CreateRequest, OrlopError, State } from "@orlop/core";
import { readFreezerState, thawCgroup } from "@orlop/kernel";
import type { ContainerDirectory } from "./container-directory.ts";
import type { ContainerRecord } from "./container-record.ts";
import { PinnedProcess } from "./pinned-process.ts";
import type { HostView } from "./supervision.ts";

/** Reads a container's status off its directory and its cgroups; `pid` is init's, once it was ready, `bootId` this kernel's. */
export function containerStatus(
  directory: ContainerDirectory,
  record: ContainerRecord,
  pid: number | undefined,
  bootId: string,
): State["status"] {
  if (directory.exit() !== undefined) return "stopped";
  if (!directory.supervised()) {
    using init = record.detached ? unsupervisedInit(directory, record, bootId) : undefined;
    if (init === undefined) return "stopped";
    if (readFreezerState(record.cgroups) === "frozen") return "paused";
    return !directory.started() && directory.awaitsStart() ? "created" : "running";
  }
  if (pid === undefined) return "creating";
  if (readFreezerState(record.cgroups) === "frozen") return "paused";
  return directory.started() ? "running" : "created";
}

/** The init, if it lives, of a container whose reaper is dead. */
export function unsupervisedInit(
  directory: ContainerDirectory,
  record: ContainerRecord,
  bootId: string,
): PinnedProcess | undefined {
  const created = directory.created();
  if (created === undefined || record.bootId !== bootId) return undefined;
  const init = PinnedProcess.open(created.value, created.atMs);
  if (init?.alive() === true) return init;
  init?.[Symbol.dispose]();
  return undefined;
}

/**
 * Has everything in the cgroups go on, also what was about to stand still: as long as one of them is dying, they are not
 * frozen. Some kernels let a killed process leave a frozen cgroup, and the reaper is quick: it may be gone by now.
 */
export function thawIfFrozen(cgroups: ContainerRecord["cgroups"]): void {
  if (!["frozen", "freezing"].includes(readFreezerState(cgroups))) return;
  try {
    thawCgroup(cgroups);
  } catch (error) {
    if (!["ENOENT", "ENODEV"].includes((error as OrlopError).errno ?? "")) throw error;
  }
}

/** The state of a container, as its directory and its cgroups have it. */
export function readState(
  directory: ContainerDirectory,
  record: ContainerRecord,
  { bootId }: Pick<HostView, "bootId">,
): State {
  const pid = directory.created()?.value;
  return recordedState(record, containerStatus(directory, record, pid, bootId), pid);
}

/** @param pid init's, once it was ready */
export function recordedState(record: ContainerRecord, status: State["status"], pid: number | undefined): State {
  return {
    ociVersion: record.ociVersion,
    id: record.id,
    status,
    ...(pid === undefined || status === "stopped" ? {} : { pid }),
    bundle: record.bundle,
    annotations: record.annotations,
  };
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
