import { existsSync } from "node:fs";
import type { OrlopError } from "@orlop/core";
import { killCgroup, listProcesses, removeCgroups } from "@orlop/kernel";
import type { ContainerRecord } from "../process/container-record.ts";
import { removeResctrl } from "../resctrl/change-schemata.ts";
import { connectSystemd, type SystemdEnvironment } from "./connect-systemd.ts";

type CountedContainer = Pick<ContainerRecord, "cgroups" | "unit" | "resctrl">;

/** Ends every process in a container's cgroups, and removes those together with the unit that they belong to. */
export async function removeContainerCgroups(record: CountedContainer, env: SystemdEnvironment): Promise<void> {
  await killCgroup(record.cgroups);
  await removeEmptyCgroups(record, env);
}

/**
 * The same once an init has ended that had a pid namespace of its own: nothing of the container's is left, and cgroups that
 * somebody else is in stay.
 */
export async function leaveContainerCgroups(record: CountedContainer, env: SystemdEnvironment): Promise<void> {
  try {
    await removeEmptyCgroups(record, env);
  } catch (error) {
    if ((error as OrlopError).code !== "conflict" || listProcesses(record.cgroups).length === 0) throw error;
  }
}

/** The same where no process is left; `areRemoved`: nor any cgroup, as the reaper says. */
export async function removeEmptyCgroups(
  { cgroups, unit, resctrl }: CountedContainer,
  env: SystemdEnvironment,
  areRemoved: boolean = false,
): Promise<void> {
  if (unit !== undefined) {
    try {
      using systemd = await connectSystemd(unit.ofUser, env);
      await systemd.stopUnit(unit.name);
    } catch (error) {
      // A user's systemd ends with the user's last session, and its units with it.
      if ((error as OrlopError).code !== "unsupported") throw error;
    }
  }
  // systemd makes none below the unit's own, and none of the hierarchies that it does not manage.
  if (!areRemoved) await removeCgroups(cgroups.map(({ path }) => path).filter((path) => existsSync(path)));
  removeResctrl(resctrl);
}
