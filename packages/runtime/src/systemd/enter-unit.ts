import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { OrlopError } from "@orlop/core";
import type { SystemdConnection } from "@orlop/kernel";
import type { ContainerDirectory } from "../process/container-directory.ts";
import type { FollowedProgram } from "../process/followed-program.ts";
import type { PlannedUnit } from "./container-unit.ts";

interface Entry {
  readonly systemd: SystemdConnection;
  readonly unit: PlannedUnit;
  readonly directory: ContainerDirectory;
  readonly followed: FollowedProgram;
}

/** Has systemd take init into its unit, and the reaper go on, which waits for it. What fails ends init. Never rejects. */
export async function enterUnit({ systemd, unit, directory, followed }: Entry, pid: number): Promise<void> {
  try {
    await systemd.startTransientUnit(unit, [pid]);
    directory.command("start");
  } catch (error) {
    // Of an init that has failed itself systemd knows less than the program.
    if (isAlive(pid)) followed.blame(unitFailure(unit, error as OrlopError));
    directory.tryCommand("signal", constants.signals.SIGKILL);
  }
}

function unitFailure({ name, ofUser }: PlannedUnit, cause: OrlopError): OrlopError {
  const whose = ofUser ? "the user's systemd" : "systemd";
  const what = `Cannot put init into unit "${name}": ${whose} did not make it (${cause.message})`;
  return new OrlopError(cause.code, what, { operation: "start systemd unit", field: "linux.cgroupsPath", cause });
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\t[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
