import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { type CommandResult, LAUNCHER } from "./command-fixture.ts";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";
import { atTerminal, type TerminalStep } from "./terminal-fixture.ts";

const LETS_GO = "\u0010\u0011";

/** Says that it is ready, and goes on when there is a file, writing more than a terminal holds. */
const WAITS =
  "trap 'echo hung up > /tmp/end; exit' HUP; echo ready; while ! test -e /tmp/go; do sleep 0.02; done; " +
  "seq 1 20000; tty > /tmp/end";

/** `exec -it` that somebody lets go of, with a daemon or without. */
export function execDetachSuite(options: SuiteOptions): void {
  const hasPython = spawnSync("python3", ["-c", "import pty"]).status === 0;
  const c = new SuiteContext({
    ...options,
    skip: options.skip || (hasPython ? false : "needs python3 (apt-get install python3-minimal)"),
  });
  const ok = async (...args: readonly string[]): Promise<string> => succeeded(await c.fixture.orlop(args));
  const box = async (): Promise<string> => await ok("run", "-d", ...c.fixture.idFlags(), "host", "sleep", "1000");

  describe(`exec at a terminal${options.daemon ? ", with a daemon" : ""}`, { skip: c.skip }, () => {
    test("is let go of by keys, and goes on", async () => {
      const id = await box();
      const steps: readonly TerminalStep[] = [["wait", "ready"], ["change"], ["send", LETS_GO]];
      const { status, settings, output } = await atTerminal(
        c.fixture,
        [LAUNCHER, "exec", "-it", id, "sh", "-c", WAITS],
        steps,
      );
      assert.deepEqual([status, settings.after, output], [0, settings.before, "ready\r\n"]);
      await ok("exec", id, "touch", "/tmp/go");
      await ok("exec", id, "sh", "-c", "while ! test -s /tmp/end; do sleep 0.02; done");
      assert.equal(await ok("exec", id, "cat", "/tmp/end"), "/dev/pts/0");
      const events = await ok(
        "events",
        "--since",
        "1h",
        "--until",
        "0s",
        "--filter",
        `container=${id}`,
        "--format",
        "{{.Action}}",
      );
      assert.match(events, /^exec_detach$/m);
      await ok("rm", "-f", id);
    });

    test("has keys of its own, or none", async () => {
      const id = await box();
      const script = 'stty -echo; echo ready; read line; echo "$line" | od -An -c; exit 5';
      const at = (keys: string, steps: readonly TerminalStep[]): ReturnType<typeof atTerminal> =>
        atTerminal(c.fixture, [LAUNCHER, "exec", "-it", "--detach-keys", keys, id, "sh", "-c", script], steps);
      const none = await at("", [["wait", "ready"], ["change"], ["send", `${LETS_GO}\r`], ["wait", "020"]]);
      assert.equal(none.status, 5);
      const own = await at("ctrl-x,q", [["wait", "ready"], ["change"], ["send", "\u0018"], ["send", "q"]]);
      assert.equal(own.status, 0);
      const refused = await c.fixture.orlop(["exec", "-it", "--detach-keys", "hyper-q", id, "sh"]);
      assert.deepEqual([refused.exitCode, /there is no key "hyper-q"/.test(refused.stderr)], [1, true], refused.stderr);
      await ok("rm", "-f", id);
    });
  });
  c.testLeftovers();
}

function succeeded({ exitCode, stdout, stderr }: CommandResult): string {
  assert.equal(exitCode, 0, stderr);
  return stdout.trim();
}
