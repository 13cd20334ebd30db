import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type CommandOptions, type CommandResult, LAUNCHER } from "./command-fixture.ts";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";

/** What comes behind it has the word for it that systemd gives a service: which stream is the journal's. */
const IN_SERVICE = "export JOURNAL_STREAM=$(stat -Lc %d:%i /proc/$$/fd/1)";
const SAY = "readlink /proc/self/fd/1; readlink /proc/self/fd/2 >&2";

/** A container whose caller is a service, whoever makes it; a socket stands for the journal. */
export function journalRelaySuite(options: SuiteOptions): void {
  const c = new SuiteContext(options);

  const shell = (line: string, options?: CommandOptions): Promise<CommandResult> =>
    c.fixture.start("sh", ["-c", line, LAUNCHER, ...c.fixture.idFlags()], options);

  describe("a container that a service has started", { skip: c.skip }, () => {
    test("writes to the journal by the command, and to other streams itself", async () => {
      const { exitCode, stdout, stderr } = await shell(
        `${IN_SERVICE}; exec "$0" run --rm "$@" host sh -c '${SAY}; exit 3'`,
      );
      assert.equal(exitCode, 3);
      assert.doesNotMatch(stdout, /^socket:/);
      assert.match(stderr, /^socket:/);
    });

    test("writes itself to what its caller has in the place of the journal", async () => {
      const { stdout } = await shell(`${IN_SERVICE}; "$0" run --rm "$@" host sh -c '${SAY}' | cat`);
      assert.match(stdout, /^pipe:/);
      const other = await shell(`export JOURNAL_STREAM=8:1; exec "$0" run --rm "$@" host sh -c '${SAY}'`);
      assert.match(other.stdout, /^socket:/);
    });

    test("has everything passed on, also where nobody reads for a while", async () => {
      const line = `exec "$0" run --rm "$@" host sh -c 'echo first; seq 1 400000; exit 4'`;
      const { exitCode, stdout } = await shell(`${IN_SERVICE}; ${line}`, {
        onOutput: (text, child) => {
          if (text !== "first\n") return;
          child.stdout?.pause();
          setTimeout(() => child.stdout?.resume(), 500);
        },
      });
      const lines = stdout.split("\n");
      assert.deepEqual([exitCode, lines.length, lines.at(-2)], [4, 400_002, "400000"]);
    });

    test("has its further processes' output there in the same way", async () => {
      const run = ["run", "-d", ...c.fixture.idFlags(), "--name", "served", "host", "sleep", "1000"];
      assert.equal((await c.fixture.orlop(run)).exitCode, 0);
      const line = `${IN_SERVICE}; exec "$0" exec served sh -c '${SAY}'`;
      const { stdout, stderr } = await c.fixture.start("sh", ["-c", line, LAUNCHER]);
      await c.fixture.orlop(["rm", "-f", "served"]);
      assert.match(stdout, /^(?!socket:)\S/, stderr);
    });
  });

  c.testLeftovers();
}
