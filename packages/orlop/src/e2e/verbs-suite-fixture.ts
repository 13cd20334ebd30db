import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";

/** Verbs that look into containers and change them. */
export function verbsSuite(options: SuiteOptions): void {
  const c = new SuiteContext(options);
  const ok: Succeed = async (...args) => {
    const { exitCode, stdout, stderr } = await c.fixture.orlop(args);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  };
  inspectCases(c, ok);
  processCases(c, ok);
  updateCases(c, ok);
  statsCases(c, ok);
  foregroundCases(c, ok);
  test("no container is left", { skip: c.skip }, async () => {
    const ids = (await ok("ps", "-aq", "--no-trunc")).split("\n").filter((id) => id !== "");
    if (ids.length > 0) await ok("rm", "-f", ...ids);
    assert.equal(await ok("ps", "-aq"), "");
  });
  c.testLeftovers();
}

type Succeed = (...args: readonly string[]) => Promise<string>;

function inspectCases(c: SuiteContext, ok: Succeed): void {
  describe("inspect", { skip: c.skip }, () => {
    test("tells all about a container that runs, and that has ended", async () => {
      const id = await ok("run", "-d", ...c.fixture.idFlags(), "--name", "seen", "host", "sleep", "1000");
      const [seen] = JSON.parse(await ok("inspect", "seen"));
      assert.deepEqual(
        [seen.Id, seen.Name, seen.Path, seen.Args, seen.State.Status],
        [id, "/seen", "sleep", ["1000"], "running"],
      );
      assert.ok(seen.State.Pid > 1);
      await ok("stop", "-t", "0", "seen");
      assert.equal(await ok("container", "inspect", "-f", "{{.State.ExitCode}} {{.State.Pid}}", "seen"), "137 0");
      await ok("rm", "seen");
    });

    test("knows one that goes with its command", async () => {
      const args = [
        "run",
        "--rm",
        ...c.fixture.idFlags(),
        "--name",
        "brief",
        "host",
        "sh",
        "-c",
        "echo up; exec sleep 1000",
      ];
      let inspected: Promise<string> | undefined;
      await c.fixture.orlop(args, {
        onOutput: () => {
          inspected ??= ok("inspect", "-f", "{{.State.Status}} {{gt .State.Pid 1}}", "brief").finally(
            async () => await ok("kill", "brief"),
          );
        },
      });
      assert.equal(await inspected, "running true");
    });

    test("of nothing is an empty list, and a failure", async () => {
      const { exitCode, stdout, stderr } = await c.fixture.orlop(["inspect", "no-such-thing"]);
      assert.deepEqual([exitCode, stdout, stderr], [1, "[]\n", "orlop: No such object: no-such-thing\n"]);
    });
  });
}

/** A container of `run --rm` in the foreground, which no database knows. */
function foregroundCases(c: SuiteContext, ok: Succeed): void {
  test("one that goes with its command is paused and goes on, has its limits changed, and nothing else", {
    skip: c.skip,
  }, async () => {
    const refused = async (...args: readonly string[]): Promise<string> => {
      const { exitCode, stderr } = await c.fixture.orlop(args);
      assert.equal(exitCode, 1, args.join(" "));
      return stderr;
    };
    const status = () => ok("ps", "--filter", "name=bound", "--format", "{{.State}}");
    const tryAll = async (): Promise<void> => {
      assert.equal(await ok("start", "bound"), "bound");
      for (const args of [
        ["rename", "bound", "free"],
        ["restart", "bound"],
        ["update", "--restart", "always", "bound"],
      ]) {
        assert.match(await refused(...args), /of an "orlop run --rm" in the foreground/);
      }
      const paused = await c.fixture.orlop(["pause", "bound"]);
      if (paused.exitCode === 0) {
        assert.equal(await status(), "paused");
        assert.equal(await ok("update", "--pids-limit", "77", "bound"), "bound");
        assert.equal(await ok("unpause", "bound"), "bound");
        assert.equal(await status(), "running");
        await ok("pause", "bound");
      } else {
        // An ordinary user may have no cgroups.
        assert.match(paused.stderr, /is in no cgroup/);
      }
      assert.equal(await ok("stop", "-t", "60", "bound"), "bound");
    };
    let tried: Promise<void> | undefined;
    const script = "trap 'exit 3' TERM; echo up; while :; do sleep 0.1; done";
    const args = ["run", "--rm", ...c.fixture.idFlags(), "--name", "bound", "host", "sh", "-c", script];
    const { exitCode } = await c.fixture.orlop(args, {
      onOutput: (_, child) => {
        tried ??= tryAll().catch((error: unknown) => {
          child.kill("SIGTERM");
          throw error;
        });
      },
    });
    await tried;
    assert.equal(exitCode, 3);
    assert.equal(await ok("ps", "-aq"), "");
  });
}

function processCases(c: SuiteContext, ok: Succeed): void {
  describe("top", { skip: c.skip }, () => {
    test("lists the processes of a container that runs, with what ps is asked for", async () => {
      await ok("run", "-d", ...c.fixture.idFlags(), "--name", "busy", "host", "sleep", "1000");
      const [heading = "", row = ""] = (await ok("top", "busy")).split("\n");
      assert.match(heading, /^UID +PID +PPID /);
      assert.match(row, / sleep 1000$/);
      const own = await c.fixture.start("ps", ["--version"]).catch(() => undefined);
      if (own !== undefined) {
        assert.match(await ok("top", "busy", "-o", "pid,comm"), /^PID +COMMAND\n\d+ +sleep$/);
      }
      const pid = await ok("inspect", "-f", "{{.State.Pid}}", "busy");
      assert.ok(row.split(/ +/).includes(pid));
      await ok("rm", "-f", "busy");
      const { exitCode, stderr } = await c.fixture.orlop(["top", "busy"]);
      assert.deepEqual([exitCode, stderr], [1, "orlop: No such container: busy\n"]);
      const gone = await c.fixture.orlop(["rm", "--force", "busy"]);
      assert.deepEqual([gone.exitCode, gone.stderr], [0, "orlop: No such container: busy\n"]);
      const quiet = await c.fixture.orlop(["rm", "--force", "--ignore", "busy"]);
      assert.deepEqual([quiet.exitCode, quiet.stdout, quiet.stderr], [0, "", ""]);
    });
  });
}

function statsCases(c: SuiteContext, ok: Succeed): void {
  describe("stats", { skip: c.skip }, () => {
    test("shows once what those take that run, and nothing for the others", async () => {
      await ok("run", "-d", ...c.fixture.idFlags(), "--name", "takes", "host", "sleep", "1000");
      const format = "{{.Name}} {{.MemUsage}} {{.NetIO}} {{.PIDs}}";
      assert.match(
        await ok("stats", "--no-stream", "--format", format),
        /^takes (\S+iB \/ \S+iB 0B \/ 0B [1-9]|-- \/ -- 0B \/ 0B --)$/,
      );
      await ok("stop", "-t", "0", "takes");
      assert.match(
        await ok("stats", "--no-stream"),
        /^CONTAINER ID {3}NAME {6}CPU % {5}MEM USAGE \/ LIMIT {3}MEM % {5}NET I\/O {3}BLOCK I\/O {3}PIDS$/,
      );
      assert.equal(await ok("stats", "-a", "--no-stream", "--format", format), "takes 0B / 0B 0B / 0B 0");
      await ok("rm", "takes");
    });
  });
}

function updateCases(c: SuiteContext, ok: Succeed): void {
  describe("update", { skip: c.skip }, () => {
    test("changes limits of one that does not run, and when it is started again", async () => {
      await ok("create", ...c.fixture.idFlags(), "--name", "small", "host", "true");
      const limits = ["-m", "64m", "--pids-limit", "9", "--cpus", "0.5", "--restart", "on-failure:2"];
      assert.equal(await ok("update", ...limits, "small"), "small");
      const format = "{{.Memory}} {{.PidsLimit}} {{.NanoCpus}} {{.CpuQuota}} {{.RestartPolicy.Name}}";
      assert.equal(
        await ok("inspect", "-f", `{{with .HostConfig}}${format}{{end}}`, "small"),
        "67108864 9 500000000 0 on-failure",
      );
      const none = await c.fixture.orlop(["update", "small"]);
      assert.deepEqual([none.exitCode, /you must provide one or more flags/.test(none.stderr)], [1, true]);
      await ok("rm", "small");
    });

    test("changes limits of one that runs", async () => {
      const flags = [...c.fixture.idFlags(), "--name", "grows", "--pids-limit", "50"];
      const made = await c.fixture.orlop(["run", "-d", ...flags, "host", "sleep", "1000"]);
      if (made.exitCode !== 0) assert.match(made.stderr, /cgroup/, "an ordinary user may have no cgroup to limit");
      else {
        await ok("update", "--pids-limit", "60", "grows");
        assert.equal(await ok("inspect", "-f", "{{.HostConfig.PidsLimit}}", "grows"), "60");
      }
      await ok("rm", "-f", "grows");
    });
  });
}
