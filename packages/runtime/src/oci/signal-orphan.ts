import { constants } from "node:os";
import { OrlopError } from "@orlop/core";
import { listProcesses } from "@orlop/kernel";
import type { ContainerDirectory } from "../process/container-directory.ts";
import type { HookRunner } from "../process/container-hooks.ts";
import type { ContainerRecord } from "../process/container-record.ts";
import { thawIfFrozen, unsupervisedInit } from "../process/container-status.ts";
import { signalProcess } from "../process/end-process.ts";
import { sendSignal } from "../process/send-signal.ts";

/**
 * Sends a signal to the init of a container that nobody of ours looks after, or to all its processes.
 *
 * @throws OrlopError `conflict` where its init has ended
 */
export async function signalOrphan(
  runner: HookRunner,
  directory: ContainerDirectory,
  record: ContainerRecord,
  { signal, all }: { readonly signal: number; readonly all: boolean },
): Promise<void> {
  const { id, cgroups, ownPidNamespace } = record;
  const isKill = signal === constants.signals.SIGKILL;
  // Without a pid namespace of its own the end of init is not the end of all.
  if ((all || (isKill && !ownPidNamespace)) && cgroups.length > 0) {
    for (const pid of listProcesses(cgroups)) sendSignal(pid, signal);
    if (isKill) thawIfFrozen(cgroups);
    return;
  }
  using init = unsupervisedInit(directory, record, runner.host.bootId);
  if (init === undefined) {
    throw new OrlopError("conflict", `Cannot signal container "${id}": container not running`);
  }
  await signalProcess(runner, init, signal);
  // Version 1 delivers even this one only to what runs.
  if (isKill) thawIfFrozen(cgroups);
}
