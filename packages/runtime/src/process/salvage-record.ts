import { uptime } from "node:os";
import { cgroupsOfProcess } from "@orlop/kernel";
import type { ContainerDirectory } from "./container-directory.ts";
import type { ContainerRecord } from "./container-record.ts";
import { PinnedProcess } from "./pinned-process.ts";
import type { HostView } from "./supervision.ts";

/**
 * What can be known of a container whose record is damaged, for who deletes it whatever it is: its init, and the cgroups
 * that this is in. Nobody else's end is in it, for these may be others' as well.
 */
export function salvageRecord(
  directory: ContainerDirectory,
  id: string,
  { bootId, uid }: Pick<HostView, "bootId" | "uid">,
): ContainerRecord {
  const created = directory.created();
  // Pids are of one run of the kernel.
  const isOfThisRun = created !== undefined && directory.createdAtMs() >= Date.now() - uptime() * 1000;
  using init = isOfThisRun ? PinnedProcess.open(created.value, created.atMs) : undefined;
  return {
    schemaVersion: 1,
    id,
    ociVersion: "1.0.0",
    bundle: "",
    annotations: {},
    cgroups: created === undefined || init?.alive() !== true ? [] : cgroupsOfProcess(created.value),
    namespaces: [],
    ownPidNamespace: true,
    detached: true,
    createdAtMs: Date.now(),
    bootId: isOfThisRun ? bootId : "",
    rootfs: "",
    ownerUid: uid,
    startSteps: [],
  };
}
