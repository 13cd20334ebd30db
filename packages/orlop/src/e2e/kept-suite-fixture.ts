import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type CommandResult, LAUNCHER } from "./command-fixture.ts";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";

/** Containers that outlive the command which made them. */
export function keptSuite(options: SuiteOptions): void {
  const c = new SuiteContext(options);
  const ok = async (...args: readonly string[]): Promise<string> => succeeded(await c.fixture.orlop(args));
  lifeCases(c, ok);
  limitCases(c, ok);
  outputCases(c, ok);
  careCases(c, ok);
  test("no container is left", { skip: c.skip }, async () => {
    const ids = (await ok("ps", "-aq", "--no-trunc")).split("\n").filter((id) => id !== "");
    if (ids.length > 0) await ok("rm", "-f", ...ids);
    assert.equal(await ok("ps", "-aq"), "");
  });
  c.testLeftovers();
}

type Succeed = (...args: readonly string[]) => Promise<string>;

function succeeded({ exitCode, stdout, stderr }: CommandResult): string {
  assert.equal(exitCode, 0, stderr);
  return stdout.trim();
}

function limitCases(c: SuiteContext, ok: Succeed): void {
  test("a kept container has no limit where none is asked for", { skip: c.skip }, async () => {
    await ok(
      "create",
      ...c.fixture.idFlags(),
      "--ulimit",
      "stack=-1",
      "--name",
      "free",
      "host",
      "cat",
      "/proc/1/limits",
    );
    assert.match(await ok("start", "-a", "free"), /^Max stack size +unlimited +unlimited /m);
    const limits = "{{range .HostConfig.Ulimits}}{{.Name}} {{.Soft}} {{.Hard}}{{end}}";
    assert.equal(await ok("inspect", "-f", limits, "free"), "stack -1 -1");
    await ok("rm", "free");
  });
}

function lifeCases(c: SuiteContext, ok: Succeed): void {
  describe("a kept container", { skip: c.skip }, () => {
    test("is left running, listed, looked into, stopped and removed", async () => {
      const id = await ok("run", "-d", ...c.fixture.idFlags(), "--name", "kept", "host", "sleep", "1000");
      assert.match(id, /^[0-9a-f]{64}$/);
      const row = await ok("ps", "--format", "{{.ID}} {{.Image}} {{.Command}} {{.State}} {{.Names}}");
      assert.equal(row, `${id.slice(0, 12)} host "sleep 1000" running kept`);
      assert.equal(await ok("exec", "kept", "cat", "/proc/1/comm"), "sleep");
      assert.equal((await c.fixture.orlop(["exec", "kept", "sh", "-c", "exit 9"])).exitCode, 9);
      assert.equal(await ok("stop", "-t", "0", "kept"), "kept");
      assert.match(
        await ok("ps", "-a", "--format", "{{.Status}}"),
        /^Exited \(137\) Less than a second ago|^Exited \(137\) \d+ seconds? ago/,
      );
      const again = await c.fixture.orlop(["exec", "kept", "true"]);
      assert.deepEqual([again.exitCode, /is not running/.test(again.stderr)], [1, true], again.stderr);
      assert.equal(await ok("rm", "kept"), "kept");
      assert.equal(await ok("ps", "-aq"), "");
    });

    test("has its name alone, also where others go with the commands that run them", async () => {
      await ok("create", ...c.fixture.idFlags(), "--name", "held", "host", "true");
      const passing = await c.fixture.run(["--name", "held", "host", "true"]);
      assert.deepEqual([passing.exitCode, /already in use by container/.test(passing.stderr)], [125, true]);
      await ok("rename", "held", "free");
      const go = c.place("go");
      mkdirSync(go);
      const waits = "echo ready; while ! test -e /go/now; do sleep 0.02; done";
      let kept: Promise<CommandResult> | undefined;
      const { exitCode } = await c.fixture.run(["--name", "held", "-v", `${go}:/go`, "host", "sh", "-c", waits], {
        onOutput: () => {
          kept ??= c.fixture.orlop(["rename", "free", "held"]).finally(() => writeFileSync(join(go, "now"), ""));
        },
      });
      const refused = await kept;
      assert.deepEqual([exitCode, refused?.exitCode, /already in use/.test(refused?.stderr ?? "")], [0, 1, true]);
      await ok("rm", "free");
    });

    test("runs later, as often as it is started, with its exit code each time", async () => {
      await ok("create", ...c.fixture.idFlags(), "--name", "later", "host", "sh", "-c", "echo run; exit 3");
      for (let run = 0; run < 2; run++) {
        const { exitCode, stdout } = await c.fixture.orlop(["start", "-a", "later"]);
        assert.deepEqual([exitCode, stdout], [3, "run\n"]);
      }
      assert.equal(await ok("wait", "later"), "3");
      assert.equal(await ok("logs", "later"), "run\nrun");
      assert.match(await ok("ps", "-a", "--filter", "exited=3", "--format", "{{.Status}}"), /^Exited \(3\)/);
      await ok("rm", "later");
    });

    test("stands still while it is paused", async () => {
      await ok("run", "-d", ...c.fixture.idFlags(), "--name", "still", "host", "sleep", "1000");
      const paused = await c.fixture.orlop(["pause", "still"]);
      if (paused.exitCode === 0) {
        assert.match(await ok("ps", "--format", "{{.Status}}"), /\(Paused\)$/);
        await ok("unpause", "still");
      } else {
        assert.match(paused.stderr, /cgroup/, "an ordinary user may have no cgroup to freeze");
      }
      await ok("rm", "-f", "still");
    });

    test("whose program is not there says so, and is kept with that", async () => {
      const { exitCode, stderr } = await c.fixture.orlop(["run", "-d", "--name", "none", "host", "no-such-program"]);
      assert.equal(exitCode, 127, stderr);
      assert.match(await ok("ps", "-a", "--format", "{{.Names}} {{.Status}}"), /none Created/);
      await ok("rm", "none");
    });
  });
}

function outputCases(c: SuiteContext, ok: Succeed): void {
  describe("the output of a kept container", { skip: c.skip }, () => {
    test("comes to who runs it, kept apart, and is there afterwards", async () => {
      const script = "echo out; echo err >&2; exit 4";
      const args = ["run", ...c.fixture.idFlags(), "--name", "said", "host", "sh", "-c", script];
      const { exitCode, stdout, stderr } = await c.fixture.orlop(args);
      assert.deepEqual([exitCode, stdout, stderr], [4, "out\n", "err\n"]);
      const logs = await c.fixture.orlop(["logs", "said"]);
      assert.deepEqual([logs.stdout, logs.stderr], ["out\n", "err\n"]);
      assert.match(await ok("logs", "-t", "--tail", "1", "said"), /^$|^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z out$/);
      await ok("rm", "said");
    });

    test("follows what its input was, to the end of that", async () => {
      const args = ["run", "-i", ...c.fixture.idFlags(), "--name", "echo", "host", "cat"];
      const { exitCode, stdout, stderr } = await c.fixture.orlop(args, { input: "one\ntwo\n" });
      assert.deepEqual([exitCode, stdout, stderr], [0, "one\ntwo\n", ""]);
      await ok("rm", "echo");
    });

    test("is whole although who writes it down is killed", async () => {
      const script = "for i in 1 2 3; do echo $i; read line; done";
      await ok("run", "-d", "-i", ...c.fixture.idFlags(), "--name", "whole", "host", "sh", "-c", script);
      const id = await ok("ps", "--no-trunc", "-q", "--filter", "name=whole");
      const streams = join(c.stateDirectory, "streams", id);
      for (const line of ["1", "2"]) {
        await untilSo(async () => (await ok("logs", "whole")).endsWith(line));
        const pid = Number(readlinkSync(join(streams, "pump")).split(".")[1]);
        process.kill(pid, "SIGKILL");
        appendFileSync(join(streams, "stdin"), "go on\n");
      }
      await untilSo(async () => (await ok("logs", "whole")) === "1\n2\n3");
      await ok("rm", "-f", "whole");
    });

    test("is followed until its end by whoever comes later", async () => {
      await ok(
        "run",
        "-d",
        ...c.fixture.idFlags(),
        "--name",
        "talks",
        "host",
        "sh",
        "-c",
        "for i in 1 2 3; do echo $i; sleep 0.2; done",
      );
      assert.equal(await ok("logs", "-f", "talks"), "1\n2\n3");
      for (const verb of ["logs -f", "start -a"]) {
        const full = await c.fixture.start("sh", ["-c", `"$0" ${verb} talks > /dev/full`, LAUNCHER]);
        assert.equal(full.stderr, "orlop: Cannot write to standard output: no space left on device\n");
        assert.equal(full.exitCode, 1);
      }
      await ok("rm", "-f", "talks");
    });
  });
}

function careCases(c: SuiteContext, ok: Succeed): void {
  describe("with nobody there", { skip: c.skip }, () => {
    test("a container that is to go with its end goes", async () => {
      await ok("run", "-d", "--rm", ...c.fixture.idFlags(), "--name", "brief", "host", "sleep", "0.2");
      await untilSo(async () => (await ok("ps", "-aq", "--filter", "name=brief")) === "");
    });

    test("one that fails is started again as often as it may be", async () => {
      const args = ["--restart", "on-failure:2", "--name", "stubborn", "host", "sh", "-c", "echo run; exit 1"];
      await ok("run", "-d", ...c.fixture.idFlags(), ...args);
      await untilSo(async () => (await ok("logs", "stubborn")).split("\n").length === 3);
      await untilSo(
        async () => (await ok("ps", "-a", "--filter", "name=stubborn", "--format", "{{.State}}")) === "exited",
      );
      await ok("rm", "stubborn");
    });
  });
}

/** Resolves when it is so; the test's own time limit ends the wait. */
async function untilSo(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}
