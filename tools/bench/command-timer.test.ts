import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CommandTimer } from "./command-timer.ts";

describe("timing a command", () => {
  test("gives its exit code, its time and its processor time", async () => {
    using timer = new CommandTimer();
    const { exitCode, milliseconds, cpuMilliseconds } = await timer.run({ argv: ["/bin/sh", "-c", "exit 3"] });
    assert.equal(exitCode, 3);
    assert.ok(milliseconds > 0, `${milliseconds} ms`);
    assert.ok(cpuMilliseconds > 0, `${cpuMilliseconds} ms`);
  });

  test("lasts as long as the command", async () => {
    using timer = new CommandTimer();
    const { milliseconds } = await timer.run({ argv: ["/bin/sleep", "0.05"] });
    assert.ok(milliseconds >= 50, `${milliseconds} ms`);
  });

  test("gives the signal that ended the command", async () => {
    using timer = new CommandTimer();
    assert.equal((await timer.run({ argv: ["/bin/sh", "-c", "kill -9 $$"] })).exitCode, 137);
  });

  test("hands on the environment", async () => {
    using timer = new CommandTimer();
    const argv = ["/bin/sh", "-c", 'test "$FROM" = here'] as const;
    assert.equal((await timer.run({ argv, env: { FROM: "here" } })).exitCode, 0);
    assert.equal((await timer.run({ argv, env: {} })).exitCode, 1);
  });

  test("refuses a command that cannot be executed", async () => {
    using timer = new CommandTimer();
    await assert.rejects(timer.run({ argv: ["/nowhere/at/all"] }), { message: /^Cannot time "\/nowhere\/at\/all": / });
  });
});
