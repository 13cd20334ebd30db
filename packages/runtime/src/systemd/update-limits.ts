import type { LinuxResources } from "@orlop/core";
import { updateSystemdUnit } from "@orlop/kernel";
import type { HookRunner } from "../process/container-hooks.ts";
import type { ContainerRecord } from "../process/container-record.ts";
import { updateCgroups } from "../process/update-cgroups.ts";
import { changeSchemata, type SchemataChange } from "../resctrl/change-schemata.ts";
import { connectSystemd, type SystemdEnvironment } from "./connect-systemd.ts";

/** Changes the limits of a container that runs: systemd is told, where it made the cgroups, and the cgroups are written. */
export async function updateLimits(
  runner: HookRunner,
  { cgroups, unit, resctrl }: Pick<ContainerRecord, "cgroups" | "unit" | "resctrl">,
  resources: LinuxResources,
  env: SystemdEnvironment,
  schemata?: SchemataChange,
): Promise<void> {
  changeSchemata(resctrl, schemata);
  if (unit !== undefined) {
    using systemd = await connectSystemd(unit.ofUser, env);
    const cgroupVersion = cgroups.some(({ version, controllers }) => version === 1 && controllers.length > 0) ? 1 : 2;
    const { rootless } = runner.host;
    await updateSystemdUnit(systemd, { unit: unit.name, resources, cgroupVersion, directories: cgroups, rootless });
  }
  await updateCgroups(runner, cgroups, resources);
}
