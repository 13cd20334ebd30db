import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { suite, test } from "node:test";
import { findProgram } from "@orlop/kernel";
import { withTemporaryDirectory } from "@orlop/testkit";

/** A machine of one's own: namespaces in which an ordinary user has every right, and stays who it is. */
const MACHINE = ["--user", "--map-current-user", "--keep-caps", "--net"] as const;

const TITLES = {
  traffic: "leads out, and in by published ports with the addresses of the world, and not to the host's loopback",
  refusals: "refuses what it does not have and ports that are taken, and leaves nothing",
  sharing: "is the same for all processes, and ends with its container at the next clean-up",
  crashes: "makes anew what has died, and ends what nobody knows of",
  ports: "has more ports and fewer while a container is there, where the program can do it",
} as const;

function obstacle(program: string, name: string): string | undefined {
  if (process.getuid?.() === 0) return "needs an ordinary user";
  if (findProgram(program) === undefined) return `needs ${program}, of the package ${name}`;
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
  } catch {
    return "needs /dev/net/tun, and the right to use it";
  }
  return spawnSync("unshare", [...MACHINE, "true"]).status === 0 ? undefined : "needs user namespaces";
}

async function tryInMachine(driver: string, name: string): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const program = new URL("./user-machine-fixture.ts", import.meta.url).pathname;
    const args = [...MACHINE, process.execPath, "-C", "source", program, directory, driver, name];
    const child = spawn("unshare", args, { stdio: "inherit" });
    assert.deepEqual(await once(child, "exit"), [0, null]);
  });
}

/** Registers what every driver for ordinary users promises. */
export function userNetworkSuite(driver: "pasta" | "slirp4netns", debianPackage: string): void {
  suite(driver, () => {
    for (const [name, title] of Object.entries(TITLES)) {
      test(title, async (t) => {
        const reason = obstacle(driver, debianPackage);
        if (reason !== undefined) return t.skip(reason);
        await tryInMachine(driver, name);
      });
    }
  });
}
