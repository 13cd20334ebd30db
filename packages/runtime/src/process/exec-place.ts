import { OrlopError, type State } from "@orlop/core";
import { readFreezerState, type SeccompProgram } from "@orlop/kernel";
import type { ContainerDirectory } from "./container-directory.ts";
import type { ContainerRecord } from "./container-record.ts";
import { readState } from "./container-status.ts";
import type { FollowedProgram } from "./followed-program.ts";
import type { ExecPlace } from "./plan-exec.ts";
import type { HostView } from "./supervision.ts";

/** A container that this process has made. */
interface OwnContainer {
  readonly followed: FollowedProgram;
  readonly record: ContainerRecord;
  readonly seccomp: SeccompProgram | undefined;
}

/**
 * Where an exec runs in a container whose reaper this process hears: nothing of it is read but whether somebody has stopped
 * it. Undefined for others, and for one that does not run as far as has been heard. @throws OrlopError `conflict`
 */
export function ownExecPlace(
  id: string,
  container: ContainerDirectory,
  ours: OwnContainer | undefined,
): ExecPlace | undefined {
  const initPid = ours?.followed.runningPid;
  if (ours === undefined || initPid === undefined) return undefined;
  const { record, seccomp } = ours;
  const freezer = readFreezerState(record.cgroups);
  if (freezer === "frozen") throw notRunning(id, "paused");
  return { container, record, initPid, seccomp: seccomp ?? "none", freezer };
}

/** Where an exec runs in a container as its directory has it. @throws OrlopError `not-found`, `conflict` */
export function execPlace(id: string, container: ContainerDirectory, host: HostView): ExecPlace {
  const record = container.record(id);
  const { status, pid: initPid } = readState(container, record, host);
  if (status !== "running" || initPid === undefined) throw notRunning(id, status);
  return { container, record, initPid };
}

function notRunning(id: string, status: State["status"]): OrlopError {
  return new OrlopError("conflict", `Cannot exec in container "${id}": it is ${status}`);
}
