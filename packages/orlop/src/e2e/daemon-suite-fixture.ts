import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandFixture, type CommandResult, LAUNCHER } from "./command-fixture.ts";
import { DaemonProcess } from "./daemon-fixture.ts";
import { findLeftovers } from "./leftovers-fixture.ts";
import type { SuiteOptions } from "./suite-context-fixture.ts";

/** With this no Node starts. */
const WITHOUT_NODE = { NODE_OPTIONS: "--no-such-option" };

/** Until a file is there. */
const WAIT = "echo ready; while ! test -e /go/now; do sleep 0.02; done";

/** Rounds in which a daemon is killed; `ORLOP_DEATHS` asks for more. */
const ROUNDS = Number(process.env.ORLOP_DEATHS ?? 6);

/** What a daemon does, and what becomes of everything when it does not. */
export function daemonSuite({ skip, stateDirectory }: Pick<SuiteOptions, "skip" | "stateDirectory">): void {
  describe("a daemon", { skip }, () => {
    let fixture: CommandFixture;
    let daemon: DaemonProcess;
    const ok = async (...args: readonly string[]): Promise<string> => succeeded(await fixture.orlop(args));
    const withoutNode = (...args: readonly string[]): Promise<CommandResult> =>
      fixture.orlop(args, { env: WITHOUT_NODE });
    before(async () => {
      fixture = new CommandFixture();
      daemon = await DaemonProcess.start(fixture);
    });
    after(async () => {
      await daemon[Symbol.asyncDispose]();
      fixture[Symbol.dispose]();
    });

    test("carries out calls of which none starts Node", async () => {
      assert.equal(succeeded(await withoutNode("run", "--rm", ...fixture.idFlags(), "host", "echo", "hello")), "hello");
      const flags = [...fixture.idFlags(), "--name", "served"];
      const id = succeeded(await withoutNode("run", "-d", ...flags, "host", "sh", "-c", "echo said; exec sleep 1000"));
      assert.equal(succeeded(await withoutNode("ps", "-q", "--no-trunc")), id);
      assert.equal((await withoutNode("exec", "served", "sh", "-c", "exit 9")).exitCode, 9);
      assert.equal(succeeded(await withoutNode("inspect", "-f", "{{.State.Status}}", "served")), "running");
      assert.equal(succeeded(await withoutNode("rm", "-f", "served")), "served");
      const failed = await withoutNode("run", "--rm", "host", "no-such-program");
      assert.deepEqual([failed.exitCode, /executable file not found/.test(failed.stderr)], [127, true], failed.stderr);
    });

    test("leaves to Node what it cannot do as the caller's own process would", async () => {
      assert.notEqual((await withoutNode("doctor")).exitCode, 0);
      await ok("run", "-d", ...fixture.idFlags(), "--name", "followed", "host", "sh", "-c", "echo line");
      assert.equal(await ok("logs", "-f", "followed"), "line");
      assert.equal(await ok("run", ...fixture.idFlags(), "--name", "stays", "host", "echo", "kept"), "kept");
      await ok("rm", "followed", "stays");
    });

    test("declines callers with other privileges", async (t) => {
      const call = ["--no-new-privs", LAUNCHER, "ps", "-q"];
      const own = await fixture.start("setpriv", call).catch(() => undefined);
      if (own === undefined) return t.skip("no setpriv here");
      assert.equal(own.exitCode, 0, own.stderr);
      assert.notEqual((await fixture.start("setpriv", call, { env: WITHOUT_NODE })).exitCode, 0);
    });

    test("takes paths, variables and the directory from who calls", async () => {
      mkdirSync(join(fixture.directory, "beside"));
      writeFileSync(join(fixture.directory, "beside", "variables"), "GIVEN=yes\nTAKEN\n");
      const { exitCode, stdout, stderr } = await fixture.orlop(
        ["run", "--rm", ...fixture.idFlags(), "--env-file", "variables", "-v", ".:/here:ro"].concat([
          ...["host", "sh", "-c", "echo $GIVEN $TAKEN; ls /here"],
        ]),
        { cwd: join(fixture.directory, "beside"), env: { ...WITHOUT_NODE, TAKEN: "too" } },
      );
      assert.deepEqual([exitCode, stdout, stderr], [0, "yes too\nvariables\n", ""]);
    });

    test("passes much output on whole, to who reads slowly and to who stops", async () => {
      const script = "seq 100000";
      await ok("run", "-d", ...fixture.idFlags(), "--name", "talks", "host", "sh", "-c", script);
      await ok("wait", "talks");
      const shell = (line: string): Promise<CommandResult> =>
        fixture.start("sh", ["-c", line, LAUNCHER], { env: WITHOUT_NODE });
      assert.equal(succeeded(await shell('"$0" logs talks | md5sum')), succeeded(await shell(`${script} | md5sum`)));
      assert.equal(succeeded(await shell('"$0" logs talks | head -n 1')), "1");
      await ok("rm", "talks");
    });

    test("ends with the caller what the caller has in the foreground", async () => {
      const args = ["run", "--rm", ...fixture.idFlags(), "--name", "short", "host", "sh", "-c", "echo up; sleep 1000"];
      const { signal } = await fixture.orlop(args, {
        env: WITHOUT_NODE,
        onOutput: (_, child) => child.kill("SIGKILL"),
      });
      assert.equal(signal, "SIGKILL");
      assert.deepEqual(await findLeftovers(fixture.containerIds(), stateDirectory), []);
      assert.equal(await ok("ps", "-aq"), "");
    });

    test("may be killed: what is in the foreground goes on, and is gone afterwards", async () => {
      const place = join(fixture.directory, "go");
      mkdirSync(place);
      let killed: Promise<unknown> | undefined;
      const args = ["run", "--rm", ...fixture.idFlags(), "--name", "outlives", "-v", `${place}:/go`, "host"];
      const { exitCode, stdout, stderr } = await fixture.orlop([...args, "sh", "-c", `${WAIT}; echo done; exit 6`], {
        onOutput: (text) => {
          if (text !== "ready\n") return;
          killed ??= daemon.end("SIGKILL").then(async () => {
            assert.equal(await ok("ps", "--format", "{{.Names}}"), "outlives");
            writeFileSync(join(place, "now"), "");
          });
        },
      });
      await killed;
      assert.deepEqual([exitCode, stdout, stderr], [6, "ready\ndone\n", ""]);
      assert.deepEqual(await findLeftovers(fixture.containerIds(), stateDirectory), []);
      daemon = await DaemonProcess.start(fixture);
    });

    test("may be killed at any moment: what runs stays as it is, and what was begun is done or undone", async () => {
      await ok("run", "-d", ...fixture.idFlags(), "--name", "steady", "host", "sh", "-c", "cat; exec sleep 1000");
      const pid = await ok("inspect", "-f", "{{.State.Pid}}", "steady");
      const beganMs = performance.now();
      await ok("run", "--rm", ...fixture.idFlags(), "host", "true");
      const lifeMaxMs = 4 * (performance.now() - beganMs);
      for (let round = 0; round < ROUNDS; round++) {
        const calls = [
          fixture.orlop(["run", "--rm", ...fixture.idFlags(), "host", "sh", "-c", "echo out; exit 3"]),
          fixture.orlop(["run", "-d", ...fixture.idFlags(), "--name", `d${round}`, "host", "sleep", "1000"]),
          fixture.orlop(["exec", "steady", "sh", "-c", "exit 4"]),
          fixture.orlop(["ps", "-q", "--filter", "name=steady"]),
        ];
        await sleep((lifeMaxMs * round) / ROUNDS);
        await daemon.end("SIGKILL");
        const [run, detached, exec, list] = await Promise.all(calls);
        assert.ok(isDone(run, 3) || isBroken(run), `${run?.stderr}`);
        assert.ok(isDone(exec, 4) || isBroken(exec), `${exec?.stderr}`);
        assert.ok(isDone(detached, 0) || isBroken(detached), `${detached?.stderr}`);
        assert.ok(isDone(list, 0) || isBroken(list), `${list?.stderr}`);
        // Without a daemon, and with the next one.
        assert.equal(await ok("inspect", "-f", "{{.State.Pid}} {{.State.Status}}", "steady"), `${pid} running`);
        daemon = await DaemonProcess.start(fixture);
        assert.equal(await ok("inspect", "-f", "{{.State.Pid}} {{.State.Status}}", "steady"), `${pid} running`);
        if ((await ok("ps", "-aq", "--filter", `name=d${round}`)) !== "") await ok("rm", "-f", `d${round}`);
        assert.deepEqual(await ok("ps", "-a", "--format", "{{.Names}}"), "steady");
      }
      await ok("rm", "-f", "steady");
    });

    test("looks after what is to go with its end, and leaves that to others when it ends", async () => {
      await ok("run", "-d", "--rm", ...fixture.idFlags(), "--name", "passes", "host", "true");
      const id = await ok("run", "-d", "--rm", ...fixture.idFlags(), "--name", "later", "host", "sleep", "1000");
      assert.equal(await daemon.end("SIGTERM"), 0);
      assert.equal(await ok("ps", "-aq", "--no-trunc", "--filter", "name=later"), id);
      await ok("kill", "later");
      const since = ["events", "--since", "1h", "--filter", "event=destroy", "--format", "{{.Actor.Attributes.name}}"];
      await fixture.orlop(since, {
        onOutput: (text, child) => {
          if (["passes", "later"].every((name) => text.includes(name))) child.kill("SIGTERM");
        },
      });
      assert.equal(await ok("ps", "-aq"), "");
      assert.ok(!existsSync(join(stateDirectory, "daemon", "socket")));
    });

    test("nothing is left of all these containers", async () => {
      await ok("run", "--rm", ...fixture.idFlags(), "host", "true");
      assert.deepEqual(await findLeftovers(fixture.containerIds(), stateDirectory), []);
    });
  });
}

function succeeded({ exitCode, stdout, stderr }: CommandResult): string {
  assert.equal(exitCode, 0, stderr);
  return stdout.trim();
}

function isDone(result: CommandResult | undefined, exitCode: number): boolean {
  return result?.exitCode === exitCode && result.stderr === "";
}

/** A call of which the daemon had done something. */
function isBroken(result: CommandResult | undefined): boolean {
  return result?.exitCode === 125 && result.stderr.includes("the daemon that served it has ended");
}
