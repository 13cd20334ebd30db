import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { CommandFixture, LAUNCHER } from "./command-fixture.ts";
import { findLeftovers } from "./leftovers-fixture.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const STATE = "/run/orlop";

/** Rounds of commands that are killed; `ORLOP_DEATHS` asks for more. */
const ROUNDS = Number(process.env.ORLOP_DEATHS ?? 12);
const NAMES = ["aa", "bb", "cc"];

describe("commands for kept containers", { skip }, () => {
  let fixture: CommandFixture;
  const noted: string[] = [];

  before(() => {
    fixture = new CommandFixture();
  });
  after(() => fixture[Symbol.dispose]());

  /** Starts a command in a process group of its own, and kills all of that after a while. */
  const doomed = async (args: readonly string[], lifeMs: number): Promise<void> => {
    const env = { ...process.env, ORLOP_ROOT: fixture.store };
    const child: ChildProcess = spawn(LAUNCHER, args, { env, stdio: "ignore", detached: true });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await Promise.race([ended, delay(lifeMs)]);
    try {
      process.kill(-(child.pid ?? 0), "SIGKILL");
    } catch {
      // It has ended, and so has all that it started.
    }
    await ended;
  };
  const orlop = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await fixture.orlop(args);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  };
  const note = async (): Promise<void> => {
    for (const id of (await orlop("ps", "-aq", "--no-trunc")).split("\n")) if (id !== "") noted.push(id);
  };

  test("may be killed at any moment: the next ones find out what is there, and nothing is left", async (t) => {
    const beganMs = performance.now();
    await orlop("run", "-d", "--name", "aa", "host", "sleep", "1000");
    // As long as a command takes here, once alone and three times beside five others.
    const lifeMaxMs = 4 * (performance.now() - beganMs);
    for (let round = 0; round < ROUNDS; round++) {
      const doomedCommands = NAMES.flatMap((name): readonly (readonly string[])[] => [
        ["run", "-d", "--name", name, "host", "sh", "-c", "while echo line; do sleep 0.05; done"],
        [
          ["stop", "-t", "0", name],
          ["rm", "-f", name],
          ["restart", "-t", "0", name],
          ["exec", name, "true"],
        ][(round + name.charCodeAt(0)) % 4] ?? [],
      ]);
      await Promise.all(doomedCommands.map((args) => doomed(args, Math.random() * lifeMaxMs)));
      await note();
      killPumps(noted);
      const rows = await orlop("ps", "-a", "--format", "{{.Names}} {{.State}}");
      t.diagnostic(`round ${round}: ${rows.replaceAll("\n", ", ")}`);
      for (const row of rows.split("\n").filter((each) => each !== "")) {
        assert.match(row, /^(aa|bb|cc) (created|running|exited)$/, "what was begun is done or undone");
      }
    }
    for (const name of NAMES) {
      if ((await orlop("ps", "-aq", "--filter", `name=${name}`)) === "") continue;
      await fixture.orlop(["start", name]);
      await orlop("rm", "-f", name);
    }
    // Whoever makes one sweeps up after those that did not come about.
    await orlop("rm", await orlop("create", "host", "true"));
    assert.equal(await orlop("ps", "-aq"), "");
    assert.deepEqual(await findLeftovers([...new Set(noted)], STATE), []);
    assert.deepEqual(readdirSync(join(fixture.store, "containers")), []);
  });
});

/** Whoever writes down logs is killed as well, wherever it is. */
function killPumps(ids: readonly string[]): void {
  for (const id of ids) {
    try {
      process.kill(Number(readFileSync(join(STATE, "streams", id, "pump"), "utf8").split(".")[1]), "SIGKILL");
    } catch {
      // There is none now.
    }
  }
}
