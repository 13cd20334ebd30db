import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ProbeResult, UNKNOWN_HEALTH } from "../health/container-health.ts";
import type { ContainerProbe } from "./container-probes.ts";
import { healthWith, nextProbe, stateAfter, statusOf } from "./probe-states.ts";

const probe = (changes: Partial<ContainerProbe> = {}): ContainerProbe => ({
  action: { kind: "tcp", port: 80 },
  initialDelayMs: 0,
  periodMs: 10_000,
  timeoutMs: 1000,
  successThreshold: 1,
  failureThreshold: 3,
  ...changes,
});
const result = (exitCode: number, endedAtMs = 0): ProbeResult => ({
  ...{ startedAtMs: 0, endedAtMs, exitCode, output: "" },
});
const passed = { lastEndedAtMs: 5000, successes: 1, failures: 0, passes: true };

describe("probes of Kubernetes", () => {
  test("wait for that of the startup, and then take turns by their times", () => {
    const probes = {
      startup: probe(),
      liveness: probe({ initialDelayMs: 2000 }),
      readiness: probe({ periodMs: 1000 }),
    };
    assert.equal(nextProbe(probes, {}, 1000)?.name, "startup");
    assert.equal(nextProbe(probes, { startup: { ...passed, passes: false } }, 1000)?.dueAtMs, 15_000);
    const first = nextProbe(probes, { startup: passed }, 1000);
    assert.deepEqual([first?.name, first?.dueAtMs], ["readiness", 1000]);
    const second = nextProbe(probes, { startup: passed, readiness: passed }, 1000);
    assert.deepEqual([second?.name, second?.dueAtMs], ["liveness", 3000]);
    assert.equal(nextProbe({ startup: probe() }, { startup: passed }, 0), undefined);
  });

  test("pass and fail by their thresholds, in a row", () => {
    const wanted = probe({ successThreshold: 2, failureThreshold: 2 });
    let state = stateAfter(undefined, wanted, result(0));
    assert.equal(state.passes, undefined);
    state = stateAfter(state, wanted, result(0));
    assert.equal(state.passes, true);
    state = stateAfter(state, wanted, result(1));
    assert.equal(state.passes, true);
    state = stateAfter(state, wanted, result(0));
    state = stateAfter(state, wanted, result(1));
    assert.equal(state.passes, true, "not in a row");
    state = stateAfter(state, wanted, result(-1, 7));
    assert.deepEqual(state, { lastEndedAtMs: 7, successes: 0, failures: 2, passes: false });
  });

  test("say together what the health is", () => {
    const probes = { liveness: probe(), readiness: probe() };
    assert.equal(statusOf(probes, { liveness: passed }), "starting");
    assert.equal(statusOf(probes, { liveness: passed, readiness: passed }), "healthy");
    assert.equal(statusOf(probes, { liveness: passed, readiness: { ...passed, passes: false } }), "unhealthy");
    const health = healthWith(UNKNOWN_HEALTH, "liveness", "starting", { ...result(1), output: "no" });
    assert.deepEqual([health.failingStreak, health.log[0]?.output], [1, "liveness: no"]);
  });
});
