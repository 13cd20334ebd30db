import { setTimeout as delay } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import type { Container } from "../state/container-rows.ts";
import { healthOf } from "./container-health.ts";
import { type HealthCheck, healthCheckOf } from "./health-check.ts";
import { recordProbe } from "./record-probe.ts";
import { runProbe } from "./run-probe.ts";

/** Probes a container for as long as this is kept, and it runs. */
export class HealthWatch implements Disposable {
  readonly #end: AbortController = new AbortController();

  constructor(context: EngineContext, id: string) {
    watch(context, id, this.#end.signal).catch(ignoreAbort);
  }

  [Symbol.dispose](): void {
    this.#end.abort();
  }
}

async function watch(context: EngineContext, id: string, signal: AbortSignal): Promise<void> {
  for (let wait = 0; ; ) {
    const container = context.rows.get(id);
    const check = container && healthCheckOf(container);
    if (container === undefined || check === undefined || container.state.startedAtMs === undefined) return;
    const dueInMs = wait || untilNextMs(container, check, Date.now());
    await delay(dueInMs, undefined, { signal });
    const now = context.rows.get(id);
    if (now === undefined) return;
    // Who stands still answers nothing, and is not asked.
    wait = now.state.status === "running" ? 0 : check.intervalMs;
    if (wait === 0 && !(await probe(context, now, check, signal))) wait = check.intervalMs;
  }
}

/** Whether it came to anything; a run that has just ended is no failure, and its watch ends soon. */
async function probe(
  context: EngineContext,
  container: Container,
  check: HealthCheck,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return recordProbe(context, container, await runProbe(context, container, check, signal)) !== undefined;
  } catch (error) {
    if (error instanceof OrlopError) return false;
    throw error;
  }
}

/** Counted from the last probe, whoever made it: that this process has begun later delays nothing. */
function untilNextMs(container: Container, check: HealthCheck, nowMs: number): number {
  const { startedAtMs = nowMs } = container.state;
  const { status, log } = healthOf(container) ?? { status: "starting", log: [] };
  const isEarly = status === "starting" && nowMs - startedAtMs < check.startPeriodMs;
  const intervalMs = isEarly ? check.startIntervalMs : check.intervalMs;
  const sinceMs = nowMs - (log.at(-1)?.endedAtMs ?? startedAtMs);
  // The clock may have been set.
  return Math.min(Math.max(intervalMs - sinceMs, 0), intervalMs);
}

function ignoreAbort(error: unknown): void {
  if ((error as Error).name !== "AbortError") throw error;
}
