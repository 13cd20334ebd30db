import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { patience } from "@orlop/testkit";
import { EngineFixture, newContainer } from "../engine-fixture.ts";
import { healthOf } from "./container-health.ts";

const checked = async () =>
  newContainer({ config: { Cmd: ["true"], Healthcheck: { Test: ["CMD", "probe"], Interval: 1e6, Retries: 2 } } });

/** What happens to containers, until the last of the actions has. */
async function actionsUntil(fixture: EngineFixture, last: string): Promise<readonly string[]> {
  const actions: string[] = [];
  const signal = AbortSignal.timeout(patience(30_000));
  for await (const { action } of fixture.open().events({ sinceMs: 0, signal })) {
    actions.push(action);
    if (action === last) return actions;
  }
  throw new Error(`no ${last} among ${actions.join(", ")}`);
}

describe("a container whose health is checked", () => {
  test("is probed by who looks after it, and what changes is told", async (t) => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const { id } = await engine.create("box", checked);
    assert.equal(healthOf(await engine.find("box")), undefined, "it has not run");
    await engine.start("box");
    assert.equal(healthOf(await engine.find("box"))?.status, "starting");
    assert.equal(engine.needsAttendant, true);
    const stop = new AbortController();
    t.after(() => stop.abort());
    const attending = fixture.open().attend(stop.signal);
    await actionsUntil(fixture, "health_status: healthy");
    assert.equal(healthOf(await engine.find("box"))?.status, "healthy");
    fixture.runtime.execExitCode = 1;
    const actions = await actionsUntil(fixture, "health_status: unhealthy");
    assert.deepEqual(actions, ["create", "start", "health_status: healthy", "health_status: unhealthy"]);
    fixture.runtime.end(id, 0);
    await attending;
    assert.equal(engine.needsAttendant, false, "nobody probes what has ended");
  });

  test("is probed also where who looks after it has come before it was started", async (t) => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const { id } = await engine.create("box", checked);
    const gate = Promise.withResolvers<void>();
    fixture.runtime.startsAfter = gate.promise;
    const starting = engine.start("box");
    const others = fixture.open();
    while (!others.needsAttendant) await delay(1);
    const stop = new AbortController();
    t.after(() => stop.abort());
    const attending = others.attend(stop.signal);
    // It has looked by then, and a look that comes later finds the same.
    await delay(20);
    gate.resolve();
    await starting;
    await actionsUntil(fixture, "health_status: healthy");
    fixture.runtime.end(id, 0);
    await attending;
  });

  test("starts anew with each run, and counts as unhealthy when it has ended", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const { id } = await engine.create("box", checked);
    await engine.start("box");
    assert.equal((await engine.checkHealth("box")).exitCode, 0);
    assert.equal(healthOf(await engine.find("box"))?.status, "healthy");
    fixture.runtime.end(id, 0);
    assert.equal(healthOf(await engine.find("box"))?.status, "unhealthy");
    await assert.rejects(engine.checkHealth("box"), { code: "conflict" });
    const { state } = await engine.find("box");
    await engine.start("box");
    const again = await engine.find("box");
    // Two runs within one millisecond are the same to those who look at their times.
    if (again.state.startedAtMs !== state.startedAtMs) assert.deepEqual(healthOf(again)?.log, []);
  });

  test("is told from one that says nothing about health", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    await engine.create("box", async () => newContainer());
    await engine.start("box");
    assert.equal(engine.needsAttendant, false);
    await assert.rejects(engine.checkHealth("box"), { code: "invalid", message: /does not say how/ });
  });

  test("fails a probe that takes too long, which is killed", async () => {
    using fixture = new EngineFixture();
    const engine = fixture.open();
    const Healthcheck = { Test: ["CMD", "probe"], Timeout: 1e6, Retries: 1 };
    await engine.create("box", async () => newContainer({ config: { Healthcheck } }));
    await engine.start("box");
    fixture.runtime.execExitCode = undefined;
    const { exitCode, output } = await engine.checkHealth("box");
    assert.deepEqual([exitCode, output], [-1, "Health check exceeded timeout (0.001s)"]);
    assert.equal(healthOf(await engine.find("box"))?.status, "unhealthy");
  });
});
