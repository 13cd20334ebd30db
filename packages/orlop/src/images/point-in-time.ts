import { OrlopError } from "@orlop/core";
import { timeMs } from "./list-images.ts";

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * A time as docker's filters take it: so long ago (`10m`, `1h30m`), seconds since 1970 (`1136073600`), or RFC 3339, where
 * what is left out is midnight and this machine's zone (`2006-01-02`, `2006-01-02T15:04:05`, `2006-01-02T15:04:05Z`).
 *
 * @throws OrlopError `invalid`
 */
export function parsePointInTime(text: string, nowMs: number): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) {
    const parts = text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g);
    return [...parts].reduce((time, [, count, unit = ""]) => time - Number(count) * (UNITS_MS[unit] ?? 0), nowMs);
  }
  const date = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  const time = date === null ? undefined : timeMs(`${date[1]}T${date[2] ?? "00:00"}${date[3] ?? ""}`);
  if (time !== undefined) return time;
  throw new OrlopError(
    "invalid",
    `Cannot use time ${JSON.stringify(text)}: it is no duration (1h30m) and no RFC 3339 time`,
  );
}
