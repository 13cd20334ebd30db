import type { LinuxResources } from "@orlop/core";
import type { CgroupDirectory } from "../cgroup-plan.ts";
import { freezeCgroup, readFreezerState, thawCgroup } from "../freeze-cgroup.ts";
import { resourceProperties } from "./resource-properties.ts";
import type { SystemdConnection } from "./systemd-connection.ts";

interface SystemdUpdate {
  readonly unit: string;
  readonly resources: LinuxResources;
  readonly cgroupVersion: 1 | 2;
  readonly directories: readonly CgroupDirectory[];
}

/**
 * Tells systemd new limits of a running container; `applyResources` follows, for what systemd has no property for.
 *
 * On version 1 the container stands still meanwhile: systemd sets device rules anew with every change, from
 * "nothing" on, and a container that opens its terminal in that moment would be denied it.
 */
export async function updateSystemdUnit(
  systemd: SystemdConnection,
  update: SystemdUpdate,
  signal?: AbortSignal,
): Promise<void> {
  const { unit, resources, cgroupVersion, directories } = update;
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
