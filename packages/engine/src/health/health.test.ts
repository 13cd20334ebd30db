import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ImageHealthcheck } from "@orlop/core";
import { type Health, healthAfter, type ProbeResult } from "./container-health.ts";
import { healthCheckOf } from "./health-check.ts";

const check = (Healthcheck: ImageHealthcheck | undefined, Shell?: readonly string[]) =>
  healthCheckOf({ config: { ...(Healthcheck && { Healthcheck }), ...(Shell && { Shell }) } });

describe("what a config says about health", () => {
  test("is a program with arguments, or a line for the image's shell", () => {
    assert.deepEqual(check({ Test: ["CMD", "probe", "-x"] })?.args, ["probe", "-x"]);
    assert.deepEqual(check({ Test: ["CMD-SHELL", "a || b"] })?.args, ["/bin/sh", "-c", "a || b"]);
    assert.deepEqual(check({ Test: ["CMD-SHELL", "a || b"] }, ["/bin/bash", "-lc"])?.args, [
      "/bin/bash",
      "-lc",
      "a || b",
    ]);
  });

  test("is nothing where it says so, or does not say what is executed", () => {
    for (const said of [undefined, {}, { Test: [] }, { Test: ["NONE"] }, { Test: ["CMD"] }, { Test: ["OTHER", "x"] }]) {
      assert.equal(check(said), undefined, JSON.stringify(said));
    }
  });

  test("has docker's times where it says none, and never longer than a timer takes", () => {
    const { args: _, ...times } = check({ Test: ["CMD", "x"] }) ?? { args: [] };
    const docker = { intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, startIntervalMs: 5000, retries: 3 };
    assert.deepEqual(times, docker);
    const said = check({ Test: ["CMD", "x"], Interval: 1e8, Timeout: 1e30, Retries: 1 });
    assert.deepEqual([said?.intervalMs, said?.timeoutMs, said?.retries], [100, 2 ** 31 - 1, 1]);
  });
});

describe("health", () => {
  const start = 1000;
  const probe = (exitCode: number, startedAtMs = start): ProbeResult => ({
    startedAtMs,
    endedAtMs: startedAtMs + 1,
    exitCode,
    output: "",
  });
  const starting: Health = { status: "starting", failingStreak: 0, log: [] };
  const after = (exits: readonly number[], startPeriodMs = 0, retries = 3): Health =>
    exits.reduce((health, exit) => healthAfter(health, { retries, startPeriodMs }, probe(exit), start), starting);

  test("is good with the first success, and bad after so many failures in a row", () => {
    assert.equal(after([0]).status, "healthy");
    assert.equal(after([1, 1]).status, "starting");
    assert.equal(after([1, 1, 1]).status, "unhealthy");
    assert.equal(after([0, 1, 1]).status, "healthy");
    assert.deepEqual([after([0, 1, 1, 2]).status, after([0, 1, 1, 2]).failingStreak], ["unhealthy", 3]);
    assert.deepEqual([after([1, 1, 1, 0]).status, after([1, 1, 1, 0]).failingStreak], ["healthy", 0]);
  });

  test("does not become bad by failures in the start period, unless it was good before", () => {
    assert.deepEqual([after([1, 1, 1, 1], 10).status, after([1, 1], 10).failingStreak], ["starting", 0]);
    assert.equal(after([0, 1, 1, 1], 10).status, "unhealthy");
    const late = healthAfter(starting, { retries: 1, startPeriodMs: 10 }, probe(1, start + 10), start);
    assert.equal(late.status, "unhealthy");
    const setBack = healthAfter(starting, { retries: 1, startPeriodMs: 10 }, probe(1, start - 3_600_000), start);
    assert.equal(setBack.status, "unhealthy", "a clock that was set back excuses nothing");
  });

  test("remembers the last five probes", () => {
    const { log } = after([1, 2, 3, 4, 5, 6]);
    assert.deepEqual(
      log.map(({ exitCode }) => exitCode),
      [2, 3, 4, 5, 6],
    );
  });
});
