import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { suite, test } from "node:test";
import { findProgram } from "@orlop/kernel";
import { withTemporaryDirectory } from "@orlop/testkit";

/** A machine of one's own: namespaces in which an ordinary user has every right, and stays who it is. */
const MACHINE = ["--user", "--map-current-user", "--keep-caps", "--net"] as const;

function obstacle(): string | undefined {
  if (process.getuid?.() === 0) return "needs an ordinary user";
  if (findProgram("pasta") === undefined) return "needs pasta, of the package passt";
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
  } catch {
    return "needs /dev/net/tun, and the right to use it";
  }
  return spawnSync("unshare", [...MACHINE, "true"]).status === 0 ? undefined : "needs user namespaces";
}

async function tryInMachine(name: string): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const program = new URL("./pasta-machine-fixture.ts", import.meta.url).pathname;
    const args = [...MACHINE, process.execPath, "-C", "source", program, directory, name];
    const child = spawn("unshare", args, { stdio: "inherit" });
    assert.deepEqual(await once(child, "exit"), [0, null]);
  });
}

const TITLES: Readonly<Record<string, string>> = {
  traffic: "leads out, and in by published ports with the addresses of the world, and not to the host's loopback",
  refusals: "refuses what pasta does not have and ports that are taken, and leaves nothing",
  sharing: "is the same for all processes, and ends with its container at the next clean-up",
  crashes: "makes anew what has died, and ends what nobody knows of",
};

suite("pasta", () => {
  for (const [name, title] of Object.entries(TITLES)) {
    test(title, async (t) => {
      const reason = obstacle();
      if (reason !== undefined) return t.skip(reason);
      await tryInMachine(name);
    });
  }
});
