import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { LAUNCHER } from "./command-fixture.ts";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";
import { atTerminal, type TerminalResult, type TerminalStep } from "./terminal-fixture.ts";

/** A container without a terminal whose caller is at one, whoever makes it. */
export function terminalRelaySuite(options: SuiteOptions): void {
  const c = new SuiteContext({ ...options, skip: options.skip || pythonObstacle() });

  /** `orlop run FLAGS...` at a terminal. */
  const run: Run = (args, steps = []) =>
    atTerminal(c.fixture, [LAUNCHER, "run", "--rm", ...c.fixture.idFlags(), ...args], steps);

  describe("a container without a terminal, at the caller's", { skip: c.skip }, () => {
    testIsolation(run);
    testStreams(c, run);
  });

  c.testLeftovers();
}

/** `orlop run` at a terminal that is not the container's. */
type Run = (args: readonly string[], steps?: readonly TerminalStep[]) => Promise<TerminalResult>;

function testIsolation(run: Run): void {
  for (const from of ["<&0", "<&1", "<&2", "</dev/tty"]) {
    test(`does not read there what is typed, by ${from}`, async () => {
      const script = `echo ready; (read x ${from}; echo "STOLE:$x.") & sleep 1; kill $! 2>&-; exit 7`;
      const { output, status } = await run(
        ["host", "sh", "-c", script],
        [
          ["wait", "ready\r\n"],
          ["send", "secret\n"],
        ],
      );
      assert.doesNotMatch(output, /STOLE:secret/);
      assert.equal(status, 7);
    });
  }

  test("has pipes for it, which it can open anew", async () => {
    const script = "test -t 0 || test -t 1 || test -t 2 || echo none; echo o >/dev/stdout; echo e >/dev/stderr";
    const { output, status } = await run(["-i", "host", "sh", "-c", script]);
    assert.equal(output.split("\r\n").sort().join(" "), " e none o");
    assert.equal(status, 0);
  });

  test("does not change its settings", async () => {
    const script = "echo ready; stty -echo <&1; stty -echo <&2; stty -echo; echo done";
    const { settings } = await run(
      ["-i", "host", "sh", "-c", script],
      [
        ["wait", "done"],
        ["note", "during"],
      ],
    );
    assert.equal(settings.during, settings.before);
    assert.equal(settings.after, settings.before);
  });
}

function testStreams(c: SuiteContext, run: Run): void {
  test("has everything shown that it writes, and its exit code passed on", async () => {
    const { output, status } = await run(["host", "sh", "-c", "seq 1 50000; echo last >&2; exit 9"]);
    assert.equal(output.replaceAll("last\r\n", "").split("\r\n").length, 50_001);
    assert.match(output, /\r\n50000\r\n/);
    assert.match(output, /last/);
    assert.equal(status, 9);
  });

  test("is given what is typed when it wants input, up to the end of it", async () => {
    const { output, status } = await run(
      ["-i", "host", "sh", "-c", "echo ready; sed s/^/got:/; exit 8"],
      [
        ["wait", "ready\r\n"],
        ["send", "one\n\u0004"],
        ["wait", "got:one\r\n"],
      ],
    );
    assert.equal(status, 8, output);
  });

  test("is not waited for when it reads nothing, closes everything or leaves somebody behind", async () => {
    const unread = await run(
      ["-i", "host", "sh", "-c", "echo ready; sleep 0.3; exit 3"],
      [
        ["wait", "ready"],
        ["send", "x\n"],
      ],
    );
    assert.equal(unread.status, 3);
    assert.equal((await run(["-i", "host", "sh", "-c", "exec >&- 2>&- <&-; sleep 0.2; exit 4"])).status, 4);
    assert.equal((await run(["host", "sh", "-c", "sleep 60 & exit 5"])).status, 5);
  });

  test("is told of failures to start it there", async () => {
    const { output, status } = await run(["-i", "host", "no-such-program"]);
    assert.match(output, /executable file not found/);
    assert.equal(status, 127);
  });

  test("is interrupted from there", async () => {
    const { status } = await run(
      ["host", "sh", "-c", "trap 'exit 6' INT; echo ready; while :; do sleep 0.1; done"],
      [
        ["wait", "ready\r\n"],
        ["send", "\u0003"],
      ],
    );
    assert.equal(status, 6);
  });

  test("has the caller's own file where only the other output is the terminal", async () => {
    const command = `exec "$0" run --rm host sh -c 'readlink /proc/self/fd/1; readlink /proc/self/fd/2 >&2' >"$1"; cat "$1"`;
    const file = c.place("output");
    const { output } = await atTerminal(c.fixture, ["sh", "-c", command.replace("exec ", ""), LAUNCHER, file], []);
    assert.match(output, /^pipe:\[\d+\]\r$/m);
    assert.ok(output.includes(`${file}\r\n`), output);
  });
}

function pythonObstacle(): string | false {
  return spawnSync("python3", ["-c", "import pty"]).status === 0
    ? false
    : "needs python3 (apt-get install python3-minimal)";
}
