import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { describe, test } from "node:test";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";

/** What every container's process is like, whoever makes it. */
export function processSuite(options: SuiteOptions): void {
  const c = new SuiteContext(options);
  containerCases(c);
  exitCodeCases(c);
  signalCases(c);
  nameCases(c);
  c.testLeftovers();
}

function containerCases(c: SuiteContext): void {
  describe("a container", { skip: c.skip }, () => {
    test("greets", async () => {
      const greeting = await c.output("--rm", "host", "--", "sh", "-c", "echo hello from $(hostname), pid $$");
      assert.match(greeting, /^hello from [0-9a-f]{12}, pid 1$/);
      const id = c.fixture.containerIds().at(-1) ?? "";
      assert.equal(greeting, `hello from ${id.slice(0, 12)}, pid 1`);
    });

    test("has its own environment", async () => {
      const file = c.place("env");
      writeFileSync(file, "FROM_FILE=1\nTWICE=file\n");
      const { stdout } = await c.run(
        ["-e", "TWICE=flag", "--env-file", file, "-e", "CALLER", "-e", "MISSING", "host", "env"],
        { env: { CALLER: "c", SECRET: "s" } },
      );
      const lines = new Set(stdout.trim().split("\n"));
      for (const line of ["FROM_FILE=1", "TWICE=flag", "CALLER=c"]) assert.ok(lines.has(line), `${line} in ${stdout}`);
      assert.ok(!/SECRET|MISSING|TERM|XDG/.test(stdout), stdout);
      assert.match(stdout, /^PATH=\/usr\/local\/sbin:/m);
      assert.match(stdout, /^HOSTNAME=[0-9a-f]{12}$/m);
      assert.match(stdout, /^HOME=\//m);
    });

    test("has the names it is given", async () => {
      const names = await c.output(
        "-h",
        "box",
        "--domainname",
        "example",
        "host",
        "sh",
        "-c",
        "hostname; cat /proc/sys/kernel/domainname; echo $HOSTNAME",
      );
      assert.deepEqual(names.split("\n"), ["box", "example", "box"]);
      assert.equal(await c.output("--network", "host", "host", "hostname"), hostname());
    });

    test("starts in the directory that it is given, which is made when missing", async () => {
      assert.equal(await c.output("-w", "/usr", "host", "pwd"), "/usr");
      assert.equal(await c.output("--workdir=/usr/never/there", "host", "pwd"), "/usr/never/there");
      assert.equal(await c.output("host", "pwd"), "/");
    });

    test("has standard input when it is asked for", async () => {
      const given = await c.run(["-i", "host", "cat"], { input: "hello" });
      assert.equal(given.stdout, "hello");
      const kept = await c.run(["host", "cat"], { input: "hello" });
      assert.deepEqual([kept.stdout, kept.exitCode], ["", 0]);
    });

    test("keeps standard output and standard error apart", async () => {
      const { stdout, stderr } = await c.run(["host", "sh", "-c", "echo out; echo err >&2"]);
      assert.deepEqual([stdout, stderr], ["out\n", "err\n"]);
    });

    test("runs an entry point", async () => {
      assert.equal(await c.output("--entrypoint", "echo", "host", "a", "b"), "a b");
    });

    test("has an init that reaps and forwards when it is asked for", async () => {
      const script =
        "cat /proc/1/comm; echo $$; (sleep 0.1 & exec true); sleep 0.4; grep -l '^State:.Z' /proc/[0-9]*/status; true";
      const [name, pid, ...zombies] = (await c.output("--init", "host", "sh", "-c", script)).split("\n");
      assert.notEqual(name, "sh");
      assert.notEqual(pid, "1");
      assert.deepEqual(zombies, []);
      assert.equal((await c.run(["--init", "host", "sh", "-c", "kill -9 $$"])).exitCode, 137);
    });
  });
}

function exitCodeCases(c: SuiteContext): void {
  describe("the exit code", { skip: c.skip }, () => {
    const codes: readonly [what: string, code: number, args: readonly string[], stderr?: RegExp][] = [
      ["is the program's", 42, ["host", "sh", "-c", "exit 42"]],
      ["is 127 for a program that is not found", 127, ["host", "no-such-program"], /executable file not found/],
      ["is 127 for a path that is not there", 127, ["host", "/no/such/program"], /no such file or directory/],
      ["is 126 for a file that is none", 126, ["host", "/etc/passwd"], /permission denied/],
      ["is 126 for a directory", 126, ["host", "/etc"], /permission denied|is a directory/],
      ["is 125 for a flag that is unknown", 125, ["--nope", "host"], /unknown flag: --nope\n\nRun 'orlop run --help'/],
      ["is 125 for a flag that is refused", 125, ["--gpus", "all", "host", "true"], /Cannot use flag "--gpus"/],
      [
        "is 125 for an image that is not there",
        125,
        ["dir:/no/such", "true"],
        /Cannot use directory "\/no\/such": no such/,
      ],
      [
        "is 125 for an image that is not here",
        125,
        ["--pull", "never", "alpine", "true"],
        /Cannot find image "docker.io\/library\/alpine:latest" on this machine\nTry orlop pull/,
      ],
      ["is 125 without an image", 125, [], /an image is required/],
      ["is 125 for a terminal where there is none", 125, ["-it", "host", "true"], /the input device is not a TTY/],
      [
        "is 125 for a user that is unknown",
        125,
        ["-u", "no-such-user", "host", "id"],
        /no matching entries in passwd file/,
      ],
    ];
    for (const [what, code, args, stderr = /^$/] of codes) {
      test(what, async () => {
        const result = await c.run(args);
        assert.equal(result.exitCode, code, result.stderr);
        assert.match(result.stderr, stderr);
        assert.equal(result.stdout, "");
      });
    }
    test("is 126 for a program that this machine cannot execute", async () => {
      writeFileSync(c.place("foreign"), Buffer.from("\u007fELF no more"), { mode: 0o755 });
      const { exitCode, stderr } = await c.run(["-v", `${c.place("foreign")}:/foreign`, "host", "/foreign"]);
      assert.equal(exitCode, 126, stderr);
      assert.match(stderr, /Cannot execute "\/foreign": exec format error/);
    });
  });
}

function signalCases(c: SuiteContext): void {
  describe("signals", { skip: c.skip }, () => {
    const trap = (signal: string): string =>
      `trap 'echo got ${signal}; exit 9' ${signal}; echo ready; while :; do sleep 0.05; done`;
    for (const signal of ["TERM", "INT", "HUP", "USR1", "USR2", "QUIT", "WINCH"] as const) {
      test(`reach the container: SIG${signal}`, async () => {
        const { stdout, exitCode } = await c.run(["host", "sh", "-c", trap(signal)], {
          onOutput: (text, child) => text === "ready\n" && child.kill(`SIG${signal}`),
        });
        assert.deepEqual([stdout, exitCode], [`ready\ngot ${signal}\n`, 9]);
      });
    }

    test("do not reach it when that is not wanted", async () => {
      const { signal } = await c.run(["--sig-proxy=false", "host", "sh", "-c", trap("TERM")], {
        onOutput: (text, child) => text === "ready\n" && child.kill("SIGTERM"),
      });
      assert.equal(signal, "SIGTERM");
    });

    test("that end a program show in the exit code", async () => {
      const { exitCode } = await c.run(["--init", "host", "sh", "-c", "echo ready; sleep 60"], {
        onOutput: (text, child) => text === "ready\n" && child.kill("SIGTERM"),
      });
      assert.equal(exitCode, 143);
    });

    test("that kill the command end the container, too", async () => {
      const { signal } = await c.run(["host", "sh", "-c", "echo ready; sleep 60"], {
        onOutput: (text, child) => text === "ready\n" && child.kill("SIGKILL"),
      });
      assert.equal(signal, "SIGKILL");
    });
  });
}

function nameCases(c: SuiteContext): void {
  describe("names and ids", { skip: c.skip }, () => {
    test("are written to a file that must not exist", async () => {
      const path = c.place("cid");
      const run = (...command: readonly string[]) =>
        c.fixture.orlop(["run", "--rm", "--cidfile", path, "host", ...command]);
      assert.equal((await run("sh", "-c", "exit 3")).exitCode, 3);
      assert.match(readFileSync(path, "utf8"), /^[0-9a-f]{64}$/);
      const again = await run("true");
      assert.equal(again.exitCode, 125);
      assert.match(again.stderr, /container ID file found, make sure the other container isn't running or delete/);
    });

    test("are not written when there is no container", async () => {
      const path = c.place("no-cid");
      assert.equal(
        (await c.fixture.orlop(["run", "--rm", "--cidfile", path, "host", "no-such-program"])).exitCode,
        127,
      );
      assert.equal(existsSync(path), false);
    });

    test("belong to one container at a time", async () => {
      const name = `orlop-test-${process.pid}`;
      let second: Promise<string> | undefined;
      // It stays until the second one has been told.
      const { exitCode } = await c.run(["--init", "--name", name, "host", "sh", "-c", "echo ready; sleep 60"], {
        onOutput: (text, child) => {
          if (text !== "ready\n") return;
          second = c.run(["--name", name, "host", "true"]).then(({ stderr }) => stderr);
          second.finally(() => child.kill("SIGTERM")).catch(() => {});
        },
      });
      assert.equal(exitCode, 143);
      assert.match(
        (await second) ?? "",
        new RegExp(`Cannot use name "${name}": it is already in use by container "[0-9a-f]{64}"`),
      );
      assert.equal(await c.output("--name", name, "host", "echo", "free"), "free");
    });
  });
}
