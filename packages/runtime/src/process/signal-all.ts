import { constants } from "node:os";
import { OrlopError } from "@orlop/core";
import { killCgroup, listProcesses } from "@orlop/kernel";
import type { ContainerRecord } from "./container-record.ts";
import { sendSignal } from "./send-signal.ts";

/** Sends a signal to every process of a container. @throws OrlopError `unsupported` where there is no cgroup to know them by */
export async function signalAll({ id, cgroups }: ContainerRecord, signal: number): Promise<void> {
  if (cgroups.length === 0) {
    throw new OrlopError(
      "unsupported",
      `Cannot signal every process of container "${id}": without a cgroup nobody knows them\nTry signalling init: its end is the end of all.`,
    );
  }
  if (signal === constants.signals.SIGKILL) return await killCgroup(cgroups);
  for (const pid of listProcesses(cgroups)) sendSignal(pid, signal);
}
