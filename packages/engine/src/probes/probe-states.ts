import type { Health, HealthStatus, ProbeResult } from "../health/container-health.ts";
import type { ContainerProbe, ContainerProbes, ProbeName } from "./container-probes.ts";

/** What the probes of one name have come to in a run. */
interface ProbeState {
  readonly lastEndedAtMs: number;
  /** In a row; the other one is 0. */
  readonly successes: number;
  readonly failures: number;
  /** Undefined until one of the thresholds was reached. */
  readonly passes: boolean | undefined;
}

export type ProbeStates = Readonly<Partial<Record<ProbeName, ProbeState>>>;

interface DueProbe {
  readonly name: ProbeName;
  readonly probe: ContainerProbe;
  readonly dueAtMs: number;
}

/** What is to be probed next, and when; undefined where nothing is any more. */
export function nextProbe(probes: ContainerProbes, states: ProbeStates, startedAtMs: number): DueProbe | undefined {
  const isStarting = probes.startup !== undefined && states.startup?.passes !== true;
  const names = isStarting ? (["startup"] as const) : (["liveness", "readiness"] as const);
  const due = names.flatMap((name): readonly DueProbe[] => {
    const probe = probes[name];
    if (probe === undefined) return [];
    const last = states[name]?.lastEndedAtMs;
    const dueAtMs = last === undefined ? startedAtMs + probe.initialDelayMs : last + probe.periodMs;
    return [{ name, probe, dueAtMs }];
  });
  return due.sort((a, b) => a.dueAtMs - b.dueAtMs)[0];
}

/** What one more probe makes of its state. */
export function stateAfter(
  before: ProbeState | undefined,
  { successThreshold, failureThreshold }: ContainerProbe,
  { exitCode, endedAtMs }: ProbeResult,
): ProbeState {
  const isSuccess = exitCode === 0;
  const successes = isSuccess ? (before?.successes ?? 0) + 1 : 0;
  const failures = isSuccess ? 0 : (before?.failures ?? 0) + 1;
  const passes = successes >= successThreshold ? true : failures >= failureThreshold ? false : before?.passes;
  return { lastEndedAtMs: endedAtMs, successes, failures, passes };
}

/** What all of them say of the container's health. */
export function statusOf(probes: ContainerProbes, states: ProbeStates): HealthStatus {
  const names = Object.keys(probes) as ProbeName[];
  if (names.some((name) => states[name]?.passes === false)) return "unhealthy";
  return names.every((name) => states[name]?.passes === true) ? "healthy" : "starting";
}

const PROBES_KEPT = 5;

/** The health with one more probe, which its output names. */
export function healthWith(before: Health, name: ProbeName, status: HealthStatus, probe: ProbeResult): Health {
  const told = { ...probe, output: probe.output === "" ? name : `${name}: ${probe.output}` };
  const failingStreak = probe.exitCode === 0 ? 0 : before.failingStreak + 1;
  return { status, failingStreak, log: [...before.log, told].slice(-PROBES_KEPT) };
}
