import type { EngineContext } from "../engine-context.ts";
import { containerEvent } from "../life/container-event.ts";
import { isActive } from "../life/container-status.ts";
import type { Container } from "../state/container-rows.ts";
import { type Health, healthAfter, healthOf, type ProbeResult } from "./container-health.ts";
import { healthCheckOf } from "./health-check.ts";

/**
 * Writes down what a probe has come to, and the event when that changes what the container's health is.
 *
 * @returns undefined when the run that it was about has ended meanwhile: nothing is written then
 */
export function recordProbe(
  { database, rows, events }: EngineContext,
  { id, state: { startedAtMs: runStartedAtMs } }: Container,
  probe: ProbeResult,
): Health | undefined {
  const record = (): Health | undefined => {
    const container = rows.get(id);
    const check = container && healthCheckOf(container);
    const before = container && healthOf(container);
    if (container === undefined || check === undefined || before === undefined) return undefined;
    const { startedAtMs, status } = container.state;
    if (startedAtMs === undefined || startedAtMs !== runStartedAtMs || !isActive(status)) return undefined;
    const after = healthAfter(before, check, probe, startedAtMs);
    rows.setHealth(id, { ...after, runStartedAtMs: startedAtMs });
    if (after.status !== before.status) events.add(containerEvent(container, `health_status: ${after.status}`));
    return after;
  };
  // The next probe says it again.
  return database.transaction(record, { durable: false });
}
