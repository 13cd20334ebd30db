import { OrlopError } from "@orlop/core";
import type { ContainerDirectory } from "../process/container-directory.ts";
import type { ContainerRecord } from "../process/container-record.ts";
import { containerStatus, recordedState } from "../process/container-status.ts";
import type { OciState } from "./oci-containers.ts";

/**
 * What is told of a container that has no process of ours looking after it.
 *
 * @param bootId of the machine's present start
 * @throws OrlopError `not-found` where whoever made it was killed over that
 */
export function orphanState(directory: ContainerDirectory, record: ContainerRecord, bootId: string): OciState {
  const { id } = record;
  const pid = directory.created()?.value;
  const status = containerStatus(directory, record, pid, bootId);
  if (pid === undefined && status !== "creating") {
    throw new OrlopError("not-found", `Cannot find container "${id}": its making was cut short`);
  }
  return {
    ...recordedState(record, status, pid),
    rootfs: record.rootfs,
    ...(record.configPath === undefined ? {} : { configPath: record.configPath }),
    created: new Date(record.createdAtMs).toISOString(),
    ownerUid: record.ownerUid,
  };
}
