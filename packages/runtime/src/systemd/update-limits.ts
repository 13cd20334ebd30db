import type { LinuxResources } from "@orlop/core";
import { unitResources, updateSystemdUnit } from "@orlop/kernel";
import type { HookRunner } from "../process/container-hooks.ts";
import type { ContainerRecord } from "../process/container-record.ts";
import { updateCgroups } from "../process/update-cgroups.ts";
import { type Warn, warnByProcess } from "../process/warn.ts";
import { changeSchemata, type SchemataChange } from "../resctrl/change-schemata.ts";
import { connectSystemd, type SystemdEnvironment } from "./connect-systemd.ts";
import { warnOfIdleWeight } from "./idle-weight.ts";

interface LimitUpdate {
  readonly resources: LinuxResources;
  readonly schemata?: SchemataChange | undefined;
  /** Of the caller. */
  readonly env: SystemdEnvironment;
  readonly warn?: Warn;
}

/** Changes the limits of a container that runs: systemd is told, where it made the cgroups, and the cgroups are written. */
export async function updateLimits(
  runner: HookRunner,
  { cgroups, unit, resctrl }: Pick<ContainerRecord, "cgroups" | "unit" | "resctrl">,
  { resources, schemata, env, warn = warnByProcess }: LimitUpdate,
): Promise<void> {
  changeSchemata(resctrl, schemata);
  if (unit === undefined) {
    await updateCgroups(runner, cgroups, resources);
    return;
  }
  using systemd = await connectSystemd(unit.ofUser, env);
  const cgroupVersion = cgroups.some(({ version, controllers }) => version === 1 && controllers.length > 0) ? 1 : 2;
  const { rootless } = runner.host;
  // What systemd is told it writes at once: what was there before is asked before.
  const limits = unitResources(resources, cgroups);
  if (cgroupVersion === 2) warnOfIdleWeight(resources, warn);
  const update = { unit: unit.name, resources: limits, cgroupVersion, directories: cgroups, rootless } as const;
  await updateSystemdUnit(systemd, update);
  await updateCgroups(runner, cgroups, limits);
}
