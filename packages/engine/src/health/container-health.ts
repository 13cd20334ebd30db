import { isActive } from "../life/container-status.ts";
import type { ProbeStates } from "../probes/probe-states.ts";
import type { Container } from "../state/container-rows.ts";
import { type HealthCheck, healthCheckOf } from "./health-check.ts";

/**
 * What the probes of a run have come to:
 *
 *     starting ──(a probe succeeds)──> healthy
 *        │                              │  ^
 *        └──(failures in a row)──> unhealthy
 */
export type HealthStatus = "starting" | "healthy" | "unhealthy";

/** One probe. */
export interface ProbeResult {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** -1 where it was killed, or could not be executed. */
  readonly exitCode: number;
  /** The beginning of what it has put out, or why it has come to nothing. */
  readonly output: string;
}

export interface Health {
  readonly status: HealthStatus;
  /** Failures since the last success. */
  readonly failingStreak: number;
  /** The last ones, the newest last. */
  readonly log: readonly ProbeResult[];
}

/** The same as it is kept: it is about one run alone. */
export interface HealthRecord extends Health {
  readonly runStartedAtMs: number;
  /** Of Kubernetes' probes. */
  readonly probes?: ProbeStates;
}

/** Docker's number. */
const PROBES_KEPT = 5;

/** Before the first probe. */
export const UNKNOWN_HEALTH: Health = { status: "starting", failingStreak: 0, log: [] };

/** Undefined for one that is not checked, or has never run. Of one that has ended, as docker has it, unhealthy. */
export function healthOf(container: Container): Health | undefined {
  const { state, health } = container;
  const isChecked = container.probes !== undefined || healthCheckOf(container) !== undefined;
  if (!isChecked || state.startedAtMs === undefined) return undefined;
  const known = health?.runStartedAtMs === state.startedAtMs ? health : UNKNOWN_HEALTH;
  return isActive(state.status) ? known : { ...known, status: "unhealthy" };
}

/** What one more probe makes of it. */
export function healthAfter(
  before: Health,
  check: Pick<HealthCheck, "retries" | "startPeriodMs">,
  probe: ProbeResult,
  runStartedAtMs: number,
): Health {
  const log = [...before.log, probe].slice(-PROBES_KEPT);
  if (probe.exitCode === 0) return { status: "healthy", failingStreak: 0, log };
  const isExcused = before.status === "starting" && isWithin(probe.startedAtMs - runStartedAtMs, check.startPeriodMs);
  const failingStreak = before.failingStreak + (isExcused ? 0 : 1);
  const isUnhealthy = !isExcused && failingStreak >= check.retries;
  return { status: isUnhealthy ? "unhealthy" : before.status, failingStreak, log };
}

/** Of a run that by now has not begun, because the clock was set back, nobody knows how long it has lasted: for long enough. */
export function isWithin(ageMs: number, periodMs: number): boolean {
  return ageMs >= 0 && ageMs < periodMs;
}
