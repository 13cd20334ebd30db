import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { cgroupDirectories } from "./cgroup-directories.ts";
import { baseSpec, processConfig } from "./configs/base-spec.ts";
import type { DifferentialConfig } from "./differential/differential-config.ts";
import { runConfig } from "./differential/run-config.ts";
import { ociCommand, ociCommandVersion } from "./oci-command.ts";
import { busyboxObstacle } from "./rootfs.ts";
import { withTemporaryDirectory } from "./temporary-directory.ts";

const id = `orlop-oci-command-${process.pid}`;

async function obstacle(command: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "needs root";
  if ((await ociCommandVersion(command)) === undefined) return `needs ${command} (Debian: apt-get install ${command})`;
  return busyboxObstacle();
}

/** Runs one config under one peer, and looks whether it left its state or a cgroup. */
async function outcomeOf(t: TestContext, command: string, config: DifferentialConfig) {
  const reason = await obstacle(command);
  if (reason !== undefined) {
    t.skip(reason);
    return undefined;
  }
  return await withTemporaryDirectory(async (path) => {
    const stateDirectory = join(path, "state");
    const runtime = ociCommand({ command, stateDirectory, hideUnifiedCgroups: command === "crun" });
    const outcome = await runConfig(config, runtime, id);
    assert.deepEqual(readdirSync(stateDirectory), []);
    assert.deepEqual(cgroupDirectories(id), []);
    return outcome;
  });
}

for (const command of ["runc", "crun"]) {
  suite(`${command} as a differential runtime`, () => {
    test("runs the probe to its end", async (t) => {
      const outcome = await outcomeOf(t, command, { name: "default", exercises: "", make: baseSpec });
      assert.ok(outcome === undefined || outcome.facts.get("outcome") === "ran, exit code 0");
      assert.ok(outcome === undefined || outcome.facts.get("shell hostname") === "differential");
    });

    test("gives the exit code, the output and the errors of a container", async (t) => {
      const args = ["/bin/sh", "-c", "echo out; echo err >&2; exit 7"];
      const outcome = await outcomeOf(t, command, processConfig("exit", "", { args }, { probes: false }));
      if (outcome === undefined) return;
      assert.equal(outcome.result.exitCode, 7);
      assert.equal(outcome.result.stdout, "out\n");
      assert.equal(outcome.result.stderr, "err\n");
    });

    test("runs under a terminal of its own", async (t) => {
      const args = ["/bin/sh", "-c", "[ -t 0 ] && [ -t 2 ] && echo terminal; exit 5"];
      const config = processConfig("terminal", "", { args, terminal: true }, { probes: false });
      const outcome = await outcomeOf(t, command, config);
      if (outcome === undefined) return;
      assert.equal(outcome.result.exitCode, 5);
      // crun sometimes shows what the terminal says as a line of its own log.
      assert.match(stripVTControlCharacters(outcome.result.stdout), /^(?:\S+: )?terminal\r?\n+$/);
    });

    test("says that a config was refused, and leaves nothing of it", async (t) => {
      const make: DifferentialConfig["make"] = (context) => ({ ...baseSpec(context), root: { path: "nowhere" } });
      const outcome = await outcomeOf(t, command, { name: "refused", exercises: "", make });
      if (outcome === undefined) return;
      assert.deepEqual([...outcome.facts], [["outcome", "refused"]]);
      assert.notEqual(outcome.result.stderr, "");
    });
  });
}

suite("ociCommandVersion", () => {
  test("knows no version of what is not installed", async () => {
    assert.equal(await ociCommandVersion("no-such-runtime"), undefined);
  });
});
