import type { Program } from "@orlop/kernel";
import type { ContainerDirectory } from "../process/container-directory.ts";
import { FollowedProgram } from "../process/followed-program.ts";
import { connectSystemd, type SystemdEnvironment } from "./connect-systemd.ts";
import type { ContainerUnit } from "./container-unit.ts";
import { enterUnit } from "./enter-unit.ts";

/** Follows the program of an exec, which asks for nothing but to be taken into the unit of its container. */
export function followExec(
  program: Program,
  directory: ContainerDirectory,
  unit: ContainerUnit | undefined,
  env: SystemdEnvironment,
): FollowedProgram {
  const followed: FollowedProgram = new FollowedProgram(program, ({ value }) => {
    if (unit === undefined) return;
    const enter = async (pid: number): Promise<void> => {
      using systemd = await connectSystemd(unit.ofUser, env);
      await systemd.attachProcesses(unit.name, "", [pid]);
    };
    void enterUnit({ unit, directory, followed, enter }, value);
  });
  return followed;
}
