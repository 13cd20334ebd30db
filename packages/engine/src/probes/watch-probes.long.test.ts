import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import type { Engine } from "../engine.ts";
import { EngineFixture, newContainer } from "../engine-fixture.ts";
import type { ContainerProbe } from "./container-probes.ts";

const probe = (changes: Partial<ContainerProbe> = {}): ContainerProbe => ({
  action: { kind: "exec", args: ["probe"] },
  ...{ initialDelayMs: 0, periodMs: 1, timeoutMs: 10_000, successThreshold: 1, failureThreshold: 2 },
  ...changes,
});

/** Resolves when this has happened to the container so often. */
async function happened(engine: Engine, action: string, times: number): Promise<void> {
  let seen = 0;
  for await (const event of engine.events({ sinceMs: 0, signal: AbortSignal.timeout(60_000) })) {
    if (event.action === action && ++seen === times) return;
  }
}

test("a container that fails its liveness is ended and started again, and told to be healthy when it is", async () => {
  using fixture = new EngineFixture();
  const engine = fixture.open();
  const description = { probes: { startup: probe(), liveness: probe() }, restart: { name: "always" } as const };
  const { id } = await engine.create("box", async () => newContainer(description));
  await engine.start(id);
  const stop = new AbortController();
  const attending = fixture.open().attend(stop.signal);
  await happened(engine, "health_status: healthy", 1);
  fixture.runtime.execExitCode = 1;
  await happened(engine, "start", 2);
  fixture.runtime.execExitCode = 0;
  await happened(engine, "health_status: healthy", 2);
  assert.deepEqual(fixture.runtime.signals[0], [id, constants.signals.SIGTERM]);
  assert.equal((await engine.find(id)).state.isStoppedByUser, false);
  stop.abort();
  await attending.catch(() => {});
  await engine.remove(id, { force: true });
});

test("one that is not ready goes on, and says so", async () => {
  using fixture = new EngineFixture();
  const engine = fixture.open();
  fixture.runtime.execExitCode = 1;
  const { id } = await engine.create("box", async () => newContainer({ probes: { readiness: probe() } }));
  await engine.start(id);
  assert.equal(engine.needsAttendant, true);
  const stop = new AbortController();
  const attending = engine.attend(stop.signal);
  await happened(engine, "health_status: unhealthy", 1);
  assert.deepEqual(fixture.runtime.signals, []);
  assert.equal((await engine.checkHealth(id)).exitCode, 1);
  stop.abort();
  await attending.catch(() => {});
  await engine.remove(id, { force: true });
});
