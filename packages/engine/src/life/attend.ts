import { setTimeout as delay } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import { HealthWatch } from "../health/watch-health.ts";
import { lockContainer } from "../state/container-places.ts";
import type { Container } from "../state/container-rows.ts";
import { watchDatabase } from "../state/watch-database.ts";
import { removeContainer } from "./remove-container.ts";
import { LASTING_RUN_MS, restartDelayMs, wantsRestart } from "./restart-policy.ts";
import { save } from "./settle-container.ts";
import { startContainer } from "./start-container.ts";
import { waitForEnd } from "./wait-for-end.ts";

/** Somebody may change the database without this process hearing of it at once. */
const LOOK_EVERY_MS = 5000;

/**
 * Looks after containers that are to be started again or removed when they end, and probes the health of those that say
 * how, whoever has started them, until there are none. If it is killed, nothing is lost: the next one goes on.
 */
export async function attend(context: EngineContext, signal: AbortSignal): Promise<void> {
  const attended = new Map<string, Promise<void>>();
  let wake = Promise.withResolvers<void>();
  const look = (): void => wake.resolve();
  using _watcher = watchDatabase(context.database.path, look);
  const timer = setInterval(look, LOOK_EVERY_MS);
  signal.addEventListener("abort", look);
  try {
    while (!signal.aborted) {
      for (const { id } of context.rows.attended()) {
        if (attended.has(id)) continue;
        const care = attendOne(context, id, signal)
          .catch(() => {})
          .finally(() => {
            attended.delete(id);
            look();
          });
        attended.set(id, care);
      }
      if (attended.size === 0) return;
      await wake.promise;
      wake = Promise.withResolvers();
    }
  } finally {
    clearInterval(timer);
    signal.removeEventListener("abort", look);
    await Promise.allSettled(attended.values());
  }
}

async function attendOne(context: EngineContext, id: string, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    const container = context.rows.get(id);
    if (container === undefined) return;
    // By a clock that nobody sets: who comes later than the run's start takes it for shorter, and waits longer.
    const watchedSinceMs = performance.now();
    if (container.state.status !== "restarting") await watchRun(context, container, signal);
    const lastedMs = performance.now() - watchedSinceMs;
    if (!(await settleEnd(context, id))) return;
    failures = lastedMs >= LASTING_RUN_MS ? 0 : failures + 1;
    await delay(restartDelayMs(failures), undefined, { signal });
    if (!(await restart(context, id))) return;
  }
}

async function watchRun(context: EngineContext, container: Container, signal: AbortSignal): Promise<void> {
  await using _health = new HealthWatch(context, container.id);
  await waitForEnd(context, container, signal);
}

/** Decides what becomes of one that has ended; the result is whether it is to be started again. */
async function settleEnd(context: EngineContext, id: string): Promise<boolean> {
  using _lock = await lockContainer(context, id);
  const container = context.rows.get(id);
  if (container === undefined) return false;
  const { state, restart, autoRemove } = container;
  if (state.status === "restarting") return true;
  if (state.status !== "exited") return false;
  if (wantsRestart(restart, state)) {
    save(context, container, undefined, { ...state, status: "restarting" });
    return true;
  }
  if (autoRemove) await removeContainer(context, container, {});
  return false;
}

/** Whether it is still to be looked after. */
async function restart(context: EngineContext, id: string): Promise<boolean> {
  using _lock = await lockContainer(context, id);
  const container = context.rows.get(id);
  // Stopped or started by somebody else, or removed, while nobody held it.
  if (container === undefined) return false;
  if (container.state.status !== "restarting") return container.state.status === "running";
  try {
    await startContainer(context, container, { isRestart: true });
  } catch (error) {
    if (!(error instanceof OrlopError)) throw error;
    // As a run that has failed at once: it is tried again later, as long as the policy says.
    const failed = context.rows.get(id);
    if (failed === undefined) return false;
    const state = { ...failed.state, restartCount: failed.state.restartCount + 1, finishedAtMs: Date.now() };
    const goesOn = wantsRestart(container.restart, state);
    save(context, failed, undefined, { ...state, status: goesOn ? "restarting" : "exited" });
    return goesOn;
  }
  return true;
}
