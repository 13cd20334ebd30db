import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { constants } from "node:os";
import { describe, test } from "node:test";
import { LAUNCHER } from "./command-fixture.ts";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";
import { atTerminal, type TerminalResult, type TerminalStep } from "./terminal-fixture.ts";

const { SIGKILL, SIGTERM } = constants.signals;

function pythonObstacle(): string | false {
  return spawnSync("python3", ["-c", "import pty"]).status === 0
    ? false
    : "needs python3 (apt-get install python3-minimal)";
}

/** A container at a real terminal, whoever makes it. */
export function terminalSuite(options: SuiteOptions): void {
  const c = new SuiteContext(options);
  const skip = options.skip || pythonObstacle();
  ownTerminalCases(c, skip);
  callerTerminalCases(c, skip);
  c.testLeftovers();
}

/** `orlop run -it FLAGS...` at a terminal. */
function atOwn(c: SuiteContext, args: readonly string[], steps: readonly TerminalStep[]): Promise<TerminalResult> {
  return atTerminal(c.fixture, [LAUNCHER, "run", "--rm", "-it", ...c.fixture.idFlags(), ...args], steps);
}

function ownTerminalCases(c: SuiteContext, skip: string | false): void {
  describe("a container with a terminal", { skip }, () => {
    test("has one of its own, of the size of the caller's, which it follows", async () => {
      const { output, status } = await atOwn(
        c,
        ["host", "sh", "-c", "echo ready; while read line; do $line; done; exit 5"],
        [
          ["wait", "ready\r\n"],
          ["send", "stty size\r"],
          ["wait", "24 80\r\n"],
          ["resize", 33, 111],
          ["send", "sleep 0.5\r"],
          ["send", "stty size\r"],
          ["wait", "33 111\r\n"],
          ["send", "tty\r"],
          ["wait", "/dev/pts/0\r\n"],
          ["send", "printenv TERM\r"],
          ["wait", "xterm\r\n"],
          ["send", "\u0004"],
        ],
      );
      assert.equal(status, 5);
      assert.ok(!output.includes("\r\r\n"), "the caller's terminal has processed what the container's had already");
    });

    test("is hung up on when nobody reads its output any more", async () => {
      const command = [LAUNCHER, "run", "--rm", "-t", ...c.fixture.idFlags(), "host", "yes"];
      const { stdout, exitCode } = await c.fixture.start("sh", ["-c", '"$@" | head -n 1', "sh", ...command]);
      assert.deepEqual([stdout, exitCode], ["y\r\n", 0]);
    });

    test("gets every key as it is, and the caller has the terminal back afterwards", async () => {
      const { settings, status } = await atOwn(
        c,
        ["host", "sh", "-c", "trap 'echo interrupted; exit 3' INT; echo ready; while :; do sleep 0.1; done"],
        [
          ["wait", "ready\r\n"],
          // Behind a daemon the terminal is taken when the container runs.
          ["change"],
          ["note", "during"],
          ["send", "\u0003"],
          ["wait", "interrupted\r\n"],
        ],
      );
      assert.equal(status, 3);
      assert.notEqual(settings.during, settings.before);
      assert.equal(settings.after, settings.before);
    });

    test("is what the container's processes are controlled by", async () => {
      const { status } = await atOwn(
        c,
        ["host", "sh", "-c", "echo secret > /dev/tty; ps -o stat= -p $$"],
        [
          ["wait", "secret\r\n"],
          ["wait", "+"],
        ],
      );
      assert.equal(status, 0);
    });

    test("passes on what is written at the very end", async () => {
      const { output } = await atOwn(c, ["host", "sh", "-c", "seq 1 5000; echo last"], [["wait", "last"]]);
      assert.equal(output.split("\r\n").length, 5002);
    });

    test("works without input, for one who only looks", async () => {
      const { stdout } = await c.run(["-t", "host", "sh", "-c", "tty; echo x"]);
      assert.equal(stdout, "/dev/pts/0\r\nx\r\n");
    });

    test("is told of in colours, unless the caller does not want any", async () => {
      const explain = [LAUNCHER, "explain", "host", "true"];
      const colored = await atTerminal(c.fixture, explain, [["wait", "execve"]]);
      assert.ok(colored.output.includes("\u001b["));
      const plain = await atTerminal(c.fixture, ["env", "NO_COLOR=1", ...explain], [["wait", "execve"]]);
      assert.ok(!plain.output.includes("\u001b["));
    });
  });
}

function callerTerminalCases(c: SuiteContext, skip: string | false): void {
  describe("the caller's terminal", { skip }, () => {
    const restored = ({ settings }: TerminalResult): void => assert.equal(settings.after, settings.before);

    test("is as it was when the program cannot be executed", async () => {
      const result = await atOwn(c, ["host", "no-such-program"], [["wait", "executable file not found"]]);
      assert.equal(result.status, 127);
      restored(result);
    });

    test("is as it was when the container is ended by a signal", async () => {
      const steps: readonly TerminalStep[] = [
        ["wait", "ready"],
        ["kill", SIGTERM],
      ];
      const result = await atOwn(c, ["--init", "host", "sh", "-c", "echo ready; sleep 60"], steps);
      assert.equal(result.status, 128 + SIGTERM);
      restored(result);
    });

    test("is as it was when the command itself is ended by a signal", async () => {
      const steps: readonly TerminalStep[] = [
        ["wait", "ready"],
        ["kill", SIGTERM],
      ];
      const result = await atOwn(c, ["--sig-proxy=false", "host", "sh", "-c", "echo ready; sleep 60"], steps);
      assert.equal(result.status, -SIGTERM);
      restored(result);
    });

    test("is as it was when the command is killed", async () => {
      const result = await atOwn(
        c,
        ["host", "sh", "-c", "echo ready; sleep 60"],
        [
          ["wait", "ready"],
          ["kill", SIGKILL],
        ],
      );
      assert.equal(result.status, -SIGKILL);
      restored(result);
    });
  });
}
