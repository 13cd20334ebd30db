import { constants } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { EngineContext } from "../engine-context.ts";
import { type Health, type HealthRecord, type ProbeResult, UNKNOWN_HEALTH } from "../health/container-health.ts";
import { runProbe } from "../health/run-probe.ts";
import { containerEvent } from "../life/container-event.ts";
import { isActive } from "../life/container-status.ts";
import { ignoreEnded } from "../life/stop-container.ts";
import type { Container } from "../state/container-rows.ts";
import { connectProbe } from "./connect-probe.ts";
import { type ContainerProbe, type ContainerProbes, isDeadly, type ProbeName } from "./container-probes.ts";
import { healthWith, nextProbe, type ProbeStates, stateAfter, statusOf } from "./probe-states.ts";

/** Waits for the time of a container's next probe and makes it. False when there will be none. */
export async function watchNextProbe(
  context: EngineContext,
  container: Container,
  probes: ContainerProbes,
  signal: AbortSignal,
): Promise<boolean> {
  const { startedAtMs } = container.state;
  if (startedAtMs === undefined) return false;
  const next = nextProbe(probes, healthOfRun(container)?.probes ?? {}, startedAtMs);
  if (next === undefined) return false;
  const { name, probe, dueAtMs } = next;
  const limitMs = Math.max(probe.periodMs, probe.initialDelayMs);
  // The clock may have been set.
  await delay(Math.min(Math.max(dueAtMs - Date.now(), 0), limitMs), undefined, { signal });
  const now = context.rows.get(container.id);
  if (now?.state.status !== "running") {
    await delay(probe.periodMs, undefined, { signal });
    return true;
  }
  const result = await makeProbe(context, now, probe, signal);
  const passes = record(context, now, probes, { name, probe, result });
  if (passes === false && isDeadly(name)) await end(context, now, signal);
  return true;
}

/** @throws OrlopError `conflict` when the container does not run */
export async function makeProbe(
  context: EngineContext,
  container: Container,
  { action, timeoutMs }: ContainerProbe,
  signal?: AbortSignal,
): Promise<ProbeResult> {
  if (action.kind !== "exec") return await connectProbe(context, container, action, timeoutMs);
  return await runProbe(context, container, { args: action.args, timeoutMs }, signal);
}

interface MadeProbe {
  readonly name: ProbeName;
  readonly probe: ContainerProbe;
  readonly result: ProbeResult;
}

/** Writes down what it has come to; undefined for a run that has ended meanwhile, and as long as there is nothing to say. */
function record(
  { database, rows, events }: EngineContext,
  { id, state: { startedAtMs: runStartedAtMs } }: Container,
  probes: ContainerProbes,
  { name, probe, result }: MadeProbe,
): boolean | undefined {
  const write = (): boolean | undefined => {
    const container = rows.get(id);
    if (container === undefined || runStartedAtMs === undefined) return undefined;
    if (container.state.startedAtMs !== runStartedAtMs || !isActive(container.state.status)) return undefined;
    const known = healthOfRun(container);
    const before: Health = known ?? UNKNOWN_HEALTH;
    const states: ProbeStates = { ...known?.probes, [name]: stateAfter(known?.probes?.[name], probe, result) };
    const status = statusOf(probes, states);
    rows.setHealth(id, { ...healthWith(before, name, status, result), runStartedAtMs, probes: states });
    if (status !== before.status) events.add(containerEvent(container, `health_status: ${status}`));
    return states[name]?.passes;
  };
  // The next probe says it again.
  return database.transaction(write, { durable: false });
}

/** What was written down of an earlier run counts no more. */
function healthOfRun({ health, state }: Container): HealthRecord | undefined {
  return health?.runStartedAtMs === state.startedAtMs ? health : undefined;
}

/** As a stop does, but for who asks: the restart policy says what follows. */
async function end(
  context: EngineContext,
  { id, runtime: name, ...container }: Container,
  signal: AbortSignal,
): Promise<void> {
  const runtime = await context.runtime(name);
  await runtime.signal(id, container.stopSignal).catch(ignoreEnded);
  // Its end aborts the wait.
  await delay(container.stopTimeoutMs, undefined, { signal });
  await runtime.signal(id, constants.signals.SIGKILL).catch(ignoreEnded);
}
