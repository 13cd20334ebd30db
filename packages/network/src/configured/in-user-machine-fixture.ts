import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { findProgram } from "@orlop/kernel";

/** A machine of one's own: namespaces in which an ordinary user has every right, and stays who it is. */
const MACHINE = ["--user", "--map-current-user", "--keep-caps", "--net"] as const;

/** Why nothing can be tried in one with that program, of that package; undefined when it can. */
export function userMachineObstacle(program: string, name: string): string | undefined {
  if (process.getuid?.() === 0) return "needs an ordinary user";
  if (findProgram(program) === undefined) return `needs ${program}, of the package ${name}`;
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
  } catch {
    return "needs /dev/net/tun, and the right to use it";
  }
  return spawnSync("unshare", [...MACHINE, "true"]).status === 0 ? undefined : "needs user namespaces";
}

/** Runs a script of ours in one, which has to succeed. */
export async function runInUserMachine(script: string, ...words: readonly string[]): Promise<void> {
  const args = [...MACHINE, process.execPath, "-C", "source", script, ...words];
  const child = spawn("unshare", args, { stdio: "inherit" });
  assert.deepEqual(await once(child, "exit"), [0, null]);
}
