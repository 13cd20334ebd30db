import type { ContainerDescription } from "../state/container-description.ts";

/** How it is found out whether a container does what it is there for. */
export interface HealthCheck {
  /** Program and arguments that are executed in the container; it is healthy when they exit with 0. */
  readonly args: readonly string[];
  /** From the end of one probe to the next. */
  readonly intervalMs: number;
  /** A probe that takes longer is killed, and has failed. */
  readonly timeoutMs: number;
  /** So long after a start failures do not count, unless a probe has succeeded. */
  readonly startPeriodMs: number;
  /** Instead of `intervalMs`, for as long as failures do not count. */
  readonly startIntervalMs: number;
  /** After so many failures in a row it is unhealthy. */
  readonly retries: number;
}

/** Docker's, where nothing is said. */
const DEFAULTS = {
  intervalMs: 30_000,
  timeoutMs: 30_000,
  startPeriodMs: 0,
  startIntervalMs: 5000,
  retries: 3,
} as const;

const NANOSECONDS_PER_MILLISECOND = 1e6;
/** What timers take: about 25 days. */
const TIME_MAX_MS = 2 ** 31 - 1;

/** What its config says about health, with docker's values for what it does not say. Undefined: nothing is checked. */
export function healthCheckOf({ config }: Pick<ContainerDescription, "config">): HealthCheck | undefined {
  const { Healthcheck: said, Shell: shell = ["/bin/sh", "-c"] } = config;
  const [kind, ...words] = said?.Test ?? [];
  const args = kind === "CMD" ? words : kind === "CMD-SHELL" ? [...shell, ...words] : [];
  if (said === undefined || words.length === 0 || args.length === 0) return undefined;
  const time = (nanoseconds: number | undefined, defaultMs: number): number =>
    nanoseconds === undefined || nanoseconds <= 0
      ? defaultMs
      : Math.min(Math.max(nanoseconds / NANOSECONDS_PER_MILLISECOND, 1), TIME_MAX_MS);
  return {
    args,
    intervalMs: time(said.Interval, DEFAULTS.intervalMs),
    timeoutMs: time(said.Timeout, DEFAULTS.timeoutMs),
    startPeriodMs: time(said.StartPeriod, DEFAULTS.startPeriodMs),
    startIntervalMs: time(said.StartInterval, DEFAULTS.startIntervalMs),
    retries: said.Retries === undefined || said.Retries <= 0 ? DEFAULTS.retries : said.Retries,
  };
}
