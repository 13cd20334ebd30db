import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { OrlopError } from "@orlop/core";
import type { ContainerDirectory } from "../process/container-directory.ts";
import type { FollowedProgram } from "../process/followed-program.ts";
import type { ContainerUnit } from "./container-unit.ts";

interface Entry {
  readonly unit: ContainerUnit;
  readonly directory: Pick<ContainerDirectory, "command" | "tryCommand">;
  readonly followed: FollowedProgram;
  /** Has systemd take the process in; resolves when it has. */
  readonly enter: (pid: number) => Promise<void>;
}

/**
 * Has systemd take a process into its unit, and then its reaper go on, which waits for that. What fails ends the process.
 * Never rejects.
 */
export async function enterUnit({ unit, directory, followed, enter }: Entry, pid: number): Promise<void> {
  try {
    await enter(pid);
    directory.command("start");
  } catch (error) {
    // Of a process that has failed itself systemd knows less than the program.
    if (isAlive(pid)) followed.blame(refusal(unit, error as OrlopError));
    directory.tryCommand("signal", constants.signals.SIGKILL);
  }
}

function refusal({ name, ofUser }: ContainerUnit, cause: OrlopError): OrlopError {
  const whose = ofUser ? "the user's systemd" : "systemd";
  const what = `Cannot put process into unit "${name}": ${whose} refused (${cause.message})`;
  return new OrlopError(cause.code, what, { operation: "enter systemd unit", field: "linux.cgroupsPath", cause });
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\t[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
