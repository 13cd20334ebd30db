import type { LinuxResources } from "@orlop/core";
import type { CgroupDirectory } from "../cgroup-plan.ts";
import { executeCgroupOperations } from "../execute-operations.ts";
import { freezeCgroup, readFreezerState, thawCgroup } from "../freeze-cgroup.ts";
import { planUpdate } from "../plan-update.ts";
import { readCgroupFile } from "../read-cgroup-file.ts";
import { resourceProperties } from "./resource-properties.ts";
import type { SystemdConnection } from "./systemd-connection.ts";

interface SystemdUpdate {
  readonly unit: string;
  readonly resources: LinuxResources;
  readonly cgroupVersion: 1 | 2;
  readonly directories: readonly CgroupDirectory[];
  readonly rootless: boolean;
}

/**
 * Tells systemd new limits of a running container; `applyResources` follows, for what systemd has no property for. Rejects
 * as that does, before systemd has heard of anything, where it is the limits that cannot be.
 *
 * On version 1 the container stands still meanwhile: systemd sets device rules anew with every change, from
 * "nothing" on, and a container that opens its terminal in that moment would be denied it.
 */
export async function updateSystemdUnit(
  systemd: SystemdConnection,
  update: SystemdUpdate,
  signal?: AbortSignal,
): Promise<void> {
  const { unit, resources, cgroupVersion, directories, rootless } = update;
  const operations = planUpdate(directories, resources, { rootless, readCurrent: readCgroupFile });
  // Of a limit below what is used systemd would make the container's end.
  executeCgroupOperations(operations.filter(({ kind }) => kind === "check-memory"));
  const properties = resourceProperties(resources, { cgroupVersion, systemdVersion: systemd.version });
  if (properties.length === 0) return;
  const freeze = cgroupVersion === 1 && readFreezerState(directories) === "thawed";
  if (freeze) await freezeCgroup(directories, signal);
  try {
    await systemd.setUnitProperties(unit, properties, signal);
  } finally {
    if (freeze) thawCgroup(directories);
  }
}
