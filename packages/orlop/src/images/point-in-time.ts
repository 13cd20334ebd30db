import { OrlopError } from "@orlop/core";
import { parseDuration } from "../format/parse-duration.ts";
import { timeMs } from "./list-images.ts";

/**
 * A time as docker's filters take it: so long ago (`10m`, `1h30m`), seconds since 1970 (`1136073600`), or RFC 3339, where
 * what is left out is midnight and this machine's zone (`2006-01-02`, `2006-01-02T15:04:05`, `2006-01-02T15:04:05Z`).
 *
 * @throws OrlopError `invalid`
 */
export function parsePointInTime(text: string, nowMs: number): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const duration = parseDuration(text);
  if (duration !== undefined) return nowMs - duration / 1e6;
  const date = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  const time = date === null ? undefined : timeMs(`${date[1]}T${date[2] ?? "00:00"}${date[3] ?? ""}`);
  if (time !== undefined) return time;
  throw new OrlopError(
    "invalid",
    `Cannot use time ${JSON.stringify(text)}: it is no duration (1h30m) and no RFC 3339 time`,
  );
}
