import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { LAUNCHER } from "./command-fixture.ts";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";

type Succeed = (...args: readonly string[]) => Promise<string>;

/** Containers that somebody looks after: their health, what they require, and the system they start with. */
export function careSuite(options: SuiteOptions): void {
  const c = new SuiteContext(options);
  const ok: Succeed = async (...args) => {
    const { exitCode, stdout, stderr } = await c.fixture.orlop(args);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  };
  healthCases(c, ok);
  startCases(c, ok);
  shellCases(c, ok);
  test("no container is left", { skip: c.skip }, async () => {
    assert.equal(await ok("ps", "-aq"), "");
  });
  c.testLeftovers();
}

function healthCases(c: SuiteContext, ok: Succeed): void {
  const status = async (): Promise<string> => await ok("inspect", "-f", "{{.State.Health.Status}}", "checked");

  describe("health", { skip: c.skip }, () => {
    test("is probed although nobody stays with the container, also after whoever did was killed", async () => {
      const check = "test -e /tmp/well && echo all is well";
      const flags = ["--health-cmd", check, "--health-interval", "50ms", "--health-retries", "2"];
      await ok("run", "-d", ...c.fixture.idFlags(), "--name", "checked", ...flags, "host", "sleep", "1000");
      await untilSo(async () => (await status()) === "unhealthy");
      const run = await c.fixture.orlop(["healthcheck", "run", "checked"]);
      assert.deepEqual([run.exitCode, run.stdout], [1, "unhealthy\n"], run.stderr);
      for (const pid of attendants(c.fixture.store)) process.kill(pid, "SIGKILL");
      await ok("exec", "checked", "touch", "/tmp/well");
      await untilSo(async () => (await status()) === "healthy");
      assert.match(await ok("ps", "--filter", "health=healthy", "--format", "{{.Status}}"), /^Up .* \(healthy\)$/);
      assert.equal(await ok("inspect", "-f", "{{(index .State.Health.Log 4).Output}}", "checked"), "all is well");
      const events = await ok("events", "--since", "1h", "--until", "0s", "--filter", "event=health_status");
      assert.deepEqual(
        events.split("\n").map((line) => /health_status: \w+/.exec(line)?.[0]),
        ["health_status: unhealthy", "health_status: healthy"],
      );
      await ok("rm", "-f", "checked");
    });

    test("is not probed where the image's check is refused", async () => {
      await ok("run", "-d", ...c.fixture.idFlags(), "--name", "plain", "--no-healthcheck", "host", "sleep", "1000");
      assert.equal(await ok("ps", "--filter", "health=none", "--format", "{{.Names}}"), "plain");
      const { exitCode, stderr } = await c.fixture.orlop(["healthcheck", "run", "plain"]);
      assert.deepEqual([exitCode, /does not say how/.test(stderr)], [1, true], stderr);
      await ok("rm", "-f", "plain");
    });
  });
}

function startCases(c: SuiteContext, ok: Succeed): void {
  describe("a start", { skip: c.skip }, () => {
    test("starts what a container requires, which is not removed before it", async () => {
      await ok("create", ...c.fixture.idFlags(), "--name", "below", "host", "sleep", "1000");
      await ok("create", ...c.fixture.idFlags(), "--name", "above", "--requires", "below", "host", "sleep", "1000");
      await ok("start", "above");
      assert.equal(await ok("ps", "--filter", "name=below", "--format", "{{.State}}"), "running");
      const { exitCode, stderr } = await c.fixture.orlop(["rm", "-f", "below"]);
      assert.deepEqual([exitCode, /others require it: above/.test(stderr)], [1, true], stderr);
      await ok("create", ...c.fixture.idFlags(), "--name", "top", "--requires", "above,below", "host", "sleep", "1000");
      assert.deepEqual((await ok("rm", "-f", "--depend", "below")).split("\n").toSorted(), ["above", "below", "top"]);
    });

    test("removes at once what requires each other, in the order that it takes", async () => {
      await ok("create", ...c.fixture.idFlags(), "--name", "below", "host", "true");
      await ok("create", ...c.fixture.idFlags(), "--name", "above", "--requires", "below", "host", "true");
      await ok("create", ...c.fixture.idFlags(), "--name", "top", "--requires", "above,below", "host", "true");
      assert.equal(await ok("rm", "below", "above", "top"), "below\nabove\ntop");
    });

    test("of all that are to run after a start of the machine leaves out what somebody has stopped", async () => {
      const policies = { aa: "always", bb: "unless-stopped", cc: "unless-stopped", dd: "no" };
      for (const [name, policy] of Object.entries(policies)) {
        await ok("create", ...c.fixture.idFlags(), "--name", name, "--restart", policy, "host", "sleep", "1000");
      }
      await ok("stop", "-t", "0", "bb");
      const started = await ok("start", "--all", "--filter", "should-start-on-boot=true");
      assert.deepEqual(started.split("\n").sort(), ["aa", "cc"]);
      await ok("rm", "-f", "aa", "bb", "cc", "dd");
    });

    test("that runs out of memory says so", async (t) => {
      const eat = "a=x; while :; do a=$a$a; done";
      const flags = ["--name", "eats", "-m", "32m", "--memory-swap", "32m"];
      const { exitCode, stderr } = await c.fixture.orlop([
        "run",
        "-d",
        ...c.fixture.idFlags(),
        ...flags,
        "host",
        "sh",
        "-c",
        eat,
      ]);
      if (exitCode !== 0) {
        assert.match(stderr, /memory|cgroup/);
        await c.fixture.orlop(["rm", "-f", "eats"]);
        return t.skip(`no limits on memory: ${stderr.trim()}`);
      }
      assert.equal(await ok("wait", "eats"), "137");
      assert.equal(await ok("inspect", "-f", "{{.State.OOMKilled}}", "eats"), "true");
      assert.match(await ok("events", "--since", "1h", "--until", "0s", "--filter", "event=oom"), /container oom /);
      await ok("rm", "eats");
    });
  });
}

function shellCases(c: SuiteContext, ok: Succeed): void {
  describe("other programs", { skip: c.skip }, () => {
    test("systemd gets units that it can read", async (t) => {
      await ok("create", "--name", "web", "-e", 'GREETING=say "100%" $HOME', "host", "sleep", "1000");
      const units = {
        "container-web.service": await ok("generate", "systemd", "--new", "--restart-policy", "always", "web"),
        "orlop-restart.service": await ok("generate", "systemd", "--boot"),
      };
      assert.match(
        units["container-web.service"],
        /^ExecStart=\S+orlop run --name web -e "GREETING=say \\"100%%\\" \$\$HOME" .* -- host sleep 1000$/m,
      );
      await ok("rm", "web");
      const paths = Object.entries(units).map(([name, text]) => {
        writeFileSync(c.place(name), text);
        return c.place(name);
      });
      const { error, status, stderr } = spawnSync("systemd-analyze", ["verify", ...paths], { encoding: "utf8" });
      if (error !== undefined) return t.skip("there is no systemd-analyze");
      assert.equal(status, 0, stderr);
      assert.doesNotMatch(stderr, /container-web|orlop-restart/);
    });

    test("bash completes commands, flags, their values and names", async (t) => {
      await ok("create", "--name", "typed-one", "host", "true");
      const script = [
        "source <(orlop completion bash)",
        `for line; do COMP_LINE=$line COMP_POINT=\${#line} COMPREPLY=(); _orlop; echo "\${COMPREPLY[*]}"; done`,
      ].join("\n");
      const lines = ["orlop unp", "orlop run --pull=al", "orlop run --no-he", "orlop volume i", "orlop rm -f typed-"];
      const { error, stdout, stderr } = spawnSync("bash", ["-c", script, "bash", ...lines], {
        encoding: "utf8",
        env: { ...process.env, ORLOP_ROOT: c.fixture.store, PATH: `${dirname(LAUNCHER)}:${process.env.PATH}` },
      });
      await ok("rm", "typed-one");
      if (error !== undefined) return t.skip("there is no bash");
      assert.deepEqual(
        stdout.split("\n"),
        ["unpause", "always", "--no-healthcheck", "inspect", "typed-one", ""],
        stderr,
      );
    });

    test("docker's templates find in info what there is", async () => {
      assert.match(await ok("info", "-f", "{{.Containers}} {{.OSType}} {{.ServerVersion}}"), /^0 linux \d+\.\d+\.\d+/);
      assert.match(await ok("system", "info"), /^Containers: 0$/m);
    });
  });
}

/** Processes that look after the containers of one directory. */
function attendants(store: string): readonly number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      const words = readFileSync(join("/proc", String(pid), "cmdline"), "utf8").split("\0");
      const variables = readFileSync(join("/proc", String(pid), "environ"), "utf8").split("\0");
      return words.includes("_attend") && variables.includes(`ORLOP_ROOT=${store}`);
    } catch {
      return false;
    }
  });
}

/** Resolves when it is so; the test's own time limit ends the wait. */
async function untilSo(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}
