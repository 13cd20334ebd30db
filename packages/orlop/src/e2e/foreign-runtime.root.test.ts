import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { busyboxObstacle, makeBusyboxRootfs } from "@orlop/testkit";
import { LAUNCHER } from "./command-fixture.ts";
import { SuiteContext } from "./suite-context-fixture.ts";
import { atTerminal } from "./terminal-fixture.ts";

interface Peer {
  readonly runtime: string;
  /** Debian's packages of the same names. */
  readonly programs: readonly string[];
}

const PEERS: readonly Peer[] = [
  { runtime: "oci:runc", programs: ["runc"] },
  { runtime: "oci:crun", programs: ["crun"] },
  { runtime: "shim:io.containerd.runc.v2", programs: ["containerd-shim-runc-v2", "runc"] },
];

const notRoot = process.getuid?.() === 0 ? false : "needs root";

function obstacle(programs: readonly string[]): string | false {
  const missing = programs.find((program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0);
  return notRoot || (missing === undefined ? false : `${missing} is not installed`);
}

function pythonObstacle(): string | false {
  return spawnSync("python3", ["-c", "import pty"]).status === 0 ? false : "needs python3";
}

/** Says when it is ready, and what it was told. */
const untilTerm = "trap 'echo told; exit 9' TERM; echo ready; while :; do sleep 0.05; done";

for (const { runtime, programs } of PEERS) {
  const c = new SuiteContext({ skip: obstacle(programs), stateDirectory: "/run/orlop", runtime });

  describe(`orlop run --runtime ${runtime}`, { skip: c.skip }, () => {
    test("runs a program in this machine's own files, with a name and a filter, and passes its exit code on", async () => {
      const script = "echo hello from $(hostname), pid $$; grep ^Seccomp: /proc/self/status; echo err >&2; exit 7";
      const { stdout, stderr, exitCode } = await c.run(["-h", "box", "host", "sh", "-c", script]);
      assert.deepEqual([stdout, stderr, exitCode], ["hello from box, pid 1\nSeccomp:\t2\n", "err\n", 7]);
    });

    test("says of a limit of time that there is none", async () => {
      const { exitCode, stderr } = await c.run(["--timeout", "1", "host", "true"]);
      assert.deepEqual([exitCode, /knows no limit of time/.test(stderr)], [125, true], stderr);
    });

    test("passes standard input on to its end", async () => {
      const input = "line\n".repeat(20_000);
      assert.equal((await c.run(["-i", "host", "cat"], { input })).stdout, input);
      assert.equal((await c.run(["host", "cat"], { input })).stdout, "");
    });

    test("throws away what is written to the root, and lets nobody write to one that is read-only", async () => {
      await c.output("host", "sh", "-c", "echo x >/etc/hostname && echo x >/usr/orlop-test");
      assert.equal(existsSync("/usr/orlop-test"), false);
      const { stderr } = await c.run(["--read-only", "host", "sh", "-c", "touch /x; touch /usr/x; touch /etc/x"]);
      assert.equal(stderr.match(/Read-only file system/g)?.length, 3, stderr);
    });

    test("binds files and directories, and keeps what is written to a directory that is the root", async (t) => {
      writeFileSync(c.place("file"), "bound");
      mkdirSync(c.place("bound"), { recursive: true });
      const flags = ["-v", `${c.place("file")}:/etc/hostname:ro`, "-v", `${c.place("bound")}:/data`];
      const script = "cat /etc/hostname; echo x >/data/x; echo x >/etc/hostname";
      const { stdout, stderr } = await c.run([...flags, "host", "sh", "-c", script]);
      assert.equal(stdout, "bound");
      assert.match(stderr, /Read-only file system/);
      assert.equal(readFileSync(c.place("bound/x"), "utf8"), "x\n");
      const noBusybox = busyboxObstacle();
      if (noBusybox !== undefined) return t.skip(noBusybox);
      makeBusyboxRootfs(c.place("rootfs"));
      await c.output(`dir:${c.place("rootfs")}:rw`, "/bin/busybox", "touch", "/kept");
      await c.output(`dir:${c.place("rootfs")}`, "/bin/busybox", "touch", "/thrown-away");
      assert.deepEqual([existsSync(c.place("rootfs/kept")), existsSync(c.place("rootfs/thrown-away"))], [true, false]);
    });

    test("tells a program that is missing from one that cannot be executed", async () => {
      assert.equal((await c.run(["host", "no-such-program"])).exitCode, 127);
      assert.equal((await c.run(["host", "/no/such/program"])).exitCode, 127);
      assert.equal((await c.run(["host", "/etc/passwd"])).exitCode, 126);
    });

    test("passes signals on, also through an init", async () => {
      for (const flags of [[], ["--init"]]) {
        const { stdout, exitCode } = await c.run([...flags, "host", "sh", "-c", untilTerm], {
          onOutput: (text, child) => text === "ready\n" && child.kill("SIGTERM"),
        });
        assert.deepEqual([stdout, exitCode], ["ready\ntold\n", 9]);
      }
      assert.equal(await c.output("--init", "host", "cat", "/proc/1/comm"), "orlop-init");
    });

    test("sets limits", async () => {
      const hungry = "head -c 100m /dev/zero | tail -c 50m >/dev/null";
      const flags = ["--init", "-m", "16m", "--memory-swap", "16m"];
      assert.equal((await c.run([...flags, "host", "sh", "-c", hungry])).exitCode, 137);
    });

    test("gives a terminal of the caller's size, which it follows", { skip: pythonObstacle() }, async () => {
      const command = [LAUNCHER, "run", "--rm", "--rm", "-it", "--runtime", runtime, ...c.fixture.idFlags()];
      // It does not wait in a read, which a signal right before it would not end.
      const script =
        "trap 'stty size; exit 5' WINCH; stty size; read line; echo got $line; while :; do sleep 0.1; done";
      const { status } = await atTerminal(
        c.fixture,
        [...command, "host", "sh", "-c", script],
        [
          ["wait", "24 80\r\n"],
          ["send", "typed\r"],
          ["wait", "got typed\r\n"],
          ["resize", 33, 111],
          ["wait", "33 111\r\n"],
        ],
      );
      assert.equal(status, 5);
    });

    test("gives an exec a terminal, too", { skip: pythonObstacle() }, async () => {
      const name = `terminal-${process.pid}`;
      const { exitCode } = await c.run(["-d", "--name", name, "host", "sleep", "60"]);
      assert.equal(exitCode, 0);
      // A shim has no terminal to give the size to before the program has begun.
      const script =
        "until [ \"$(stty size)\" = '24 80' ]; do sleep 0.05; done; echo sized; read line; echo got $line; exit 7";
      const { status } = await atTerminal(
        c.fixture,
        [LAUNCHER, "exec", "-it", name, "sh", "-c", script],
        [
          ["wait", "sized\r\n"],
          ["send", "typed\r"],
          ["wait", "got typed\r\n"],
        ],
      );
      assert.equal(status, 7);
      assert.equal((await c.fixture.orlop(["rm", "-f", name])).exitCode, 0);
    });

    test("ends the container when the command is killed", async () => {
      const { signal } = await c.run(["host", "sh", "-c", "echo ready; sleep 60"], {
        onOutput: (text, child) => text === "ready\n" && child.kill("SIGKILL"),
      });
      assert.equal(signal, "SIGKILL");
    });
  });

  c.testLeftovers();
}

describe("orlop run --runtime", { skip: notRoot }, () => {
  const c = new SuiteContext({ skip: notRoot, stateDirectory: "/run/orlop" });

  test("says what is missing, and the way out", async () => {
    const oci = await c.run(["--runtime", "oci:no-such-runtime", "host", "true"]);
    assert.equal(oci.exitCode, 125);
    assert.match(oci.stderr, /^orlop: Cannot find runtime "no-such-runtime": no such program on PATH\nTry /);
    const shim = await c.run(["--runtime", "shim:io.containerd.nothing.v1", "host", "true"]);
    assert.equal(shim.exitCode, 125);
    assert.match(shim.stderr, /Cannot find shim .*: no program containerd-shim-nothing-v1 on PATH\nTry /);
    const unknown = await c.run(["--runtime", "runc", "host", "true"]);
    assert.equal(unknown.exitCode, 125);
    assert.match(unknown.stderr, /invalid argument "runc" for "--runtime" flag: it is process, oci:PROGRAM/);
  });

  test("gives a terminal the size that it has got while the runtime was at work", {
    skip: obstacle(["runc"]) || pythonObstacle(),
  }, async () => {
    const slow = c.place("slow");
    writeFileSync(slow, 'case " $* " in *" start "*) runc "$@"; sleep 1.5 ;; *) exec runc "$@" ;; esac\n');
    const runtime = c.place("runtime");
    writeFileSync(runtime, `#!/bin/sh\nexec sh ${slow} "$@"\n`, { mode: 0o755 });
    const script = "trap 'stty size; exit 5' WINCH; stty size; while :; do sleep 0.1; done";
    const command = [
      LAUNCHER,
      "run",
      "--rm",
      "--rm",
      "-t",
      "--runtime",
      `oci:${runtime}`,
      ...c.fixture.idFlags(),
      "host",
      "sh",
      "-c",
    ];
    const { status } = await atTerminal(
      c.fixture,
      [...command, script],
      [
        ["wait", "24 80"],
        ["resize", 33, 111],
        ["wait", "33 111"],
      ],
    );
    assert.equal(status, 5);
  });

  test("says why the runtime failed, also one that had asked for the terminal", {
    skip: pythonObstacle(),
  }, async () => {
    const runtime = c.place("failing");
    const script = `#!/usr/bin/env python3
import json, socket, sys
words = sys.argv
if "create" in words:
    socket.socket(socket.AF_UNIX).connect(words[words.index("--console-socket") + 1])
    open(words[words.index("--log") + 1], "w").write(json.dumps({"level": "error", "msg": "out of paper"}))
    sys.exit(1)
`;
    writeFileSync(runtime, script, { mode: 0o755 });
    const { exitCode, stderr } = await c.run(["-t", "--runtime", `oci:${runtime}`, "host", "true"]);
    assert.deepEqual([exitCode, /out of paper/.test(stderr)], [125, true], stderr);
  });

  test("is not explained where the calls are another program's", async () => {
    const { exitCode, stderr } = await c.fixture.orlop(["explain", "--runtime", "oci:runc", "host", "true"]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /Cannot explain runtime "oci:runc"/);
  });
});
