import assert from "node:assert/strict";
import { test } from "node:test";
import { patience } from "@orlop/testkit";
import { EngineFixture, newContainer } from "./engine-fixture.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = 1_800_000_000_000;

test("a clock that jumps leaves lives, their events in order, stops, probes and restarts as they are", async (t) => {
  // Dates alone: what waits does so by a clock that nobody sets.
  t.mock.timers.enable({ apis: ["Date"], now: NOW_MS });
  using fixture = new EngineFixture();
  const engine = fixture.open();
  const Healthcheck = { Test: ["CMD", "probe"], Interval: 1e6, StartPeriod: 1e6 * HOUR_MS, Retries: 1 };
  const restart = { name: "on-failure", maximumRetryCount: 1 } as const;
  const { id } = await engine.create("box", async () => newContainer({ config: { Healthcheck }, restart }));
  await engine.start(id);
  const stop = new AbortController();
  t.after(() => stop.abort());
  fixture.runtime.execExitCode = 1;
  t.mock.timers.setTime(NOW_MS - 10 * HOUR_MS);
  const attending = fixture.open().attend(stop.signal);
  const seen: string[] = [];
  const signal = AbortSignal.timeout(patience(30_000));
  for await (const { action } of engine.events({ sinceMs: 0, signal })) {
    seen.push(action);
    if (action === "health_status: unhealthy") {
      t.mock.timers.setTime(NOW_MS + 10 * HOUR_MS);
      fixture.runtime.ignored.add(15);
      await engine.stop(id, { timeoutMs: 1 });
    }
    if (action === "stop") break;
  }
  await attending;
  assert.deepEqual(seen, ["create", "start", "health_status: unhealthy", "kill", "kill", "die", "stop"]);
  const { state, createdAtMs } = await engine.find("box");
  assert.deepEqual([state.status, state.exitCode, createdAtMs], ["exited", 137, NOW_MS]);
  t.mock.timers.setTime(NOW_MS - HOUR_MS);
  await engine.start("box");
  assert.equal((await engine.list())[0]?.state.status, "running");
  await engine.remove("box", { force: true });
});
