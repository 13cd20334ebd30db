import { setTimeout as delay } from "node:timers/promises";
import type { EngineContext } from "../engine-context.ts";
import { watchNextProbe } from "../probes/watch-probes.ts";
import type { Container } from "../state/container-rows.ts";
import { healthOf, isWithin } from "./container-health.ts";
import { type HealthCheck, healthCheckOf } from "./health-check.ts";
import { recordProbe } from "./record-probe.ts";
import { runProbe } from "./run-probe.ts";

/** After a failure that says nothing about the container: no memory, no room for a file, or its end. */
const RETRY_MS = 5000;
/** So often it is asked whether a container that is being started runs by now. */
const START_LOOK_MS = 50;

/** Probes a container for as long as this is kept, and it runs. */
export class HealthWatch implements AsyncDisposable {
  readonly #end: AbortController = new AbortController();
  readonly #watching: Promise<void>;

  constructor(context: EngineContext, id: string) {
    this.#watching = watch(context, id, this.#end.signal);
  }

  /** A probe that is under way is killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#watching;
  }
}

async function watch(context: EngineContext, id: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      if (!(await watchOne(context, id, signal))) return;
    } catch {
      await delay(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }
}

/** Waits for the time of the next probe and makes it. False when there will be none. */
async function watchOne(context: EngineContext, id: string, signal: AbortSignal): Promise<boolean> {
  const container = context.rows.get(id);
  if (container?.state.status === "starting") {
    await delay(START_LOOK_MS, undefined, { signal });
    return true;
  }
  if (container?.probes !== undefined) return await watchNextProbe(context, container, container.probes, signal);
  const check = container && healthCheckOf(container);
  if (container === undefined || check === undefined || container.state.startedAtMs === undefined) return false;
  await delay(untilNextMs(container, check, Date.now()), undefined, { signal });
  const now = context.rows.get(id);
  // Who stands still answers nothing, and is not asked.
  if (now?.state.status === "running") recordProbe(context, now, await runProbe(context, now, check, signal));
  else await delay(check.intervalMs, undefined, { signal });
  return true;
}

/** Counted from the last probe, whoever made it: that this process has begun later delays nothing. */
function untilNextMs(container: Container, check: HealthCheck, nowMs: number): number {
  const { startedAtMs = nowMs } = container.state;
  const { status, log } = healthOf(container) ?? { status: "starting", log: [] };
  const isEarly = status === "starting" && isWithin(nowMs - startedAtMs, check.startPeriodMs);
  const intervalMs = isEarly ? check.startIntervalMs : check.intervalMs;
  const sinceMs = nowMs - (log.at(-1)?.endedAtMs ?? startedAtMs);
  // The clock may have been set.
  return Math.min(Math.max(intervalMs - sinceMs, 0), intervalMs);
}
