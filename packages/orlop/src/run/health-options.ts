import { type ImageHealthcheck, OrlopError } from "@orlop/core";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { parseDuration } from "../format/parse-duration.ts";
import { parseInteger } from "./resource-limits.ts";

/** Flags for times, by the members of the check that they set. */
const TIMES = {
  Interval: "health-interval",
  Timeout: "health-timeout",
  StartPeriod: "health-start-period",
  StartInterval: "health-start-interval",
} as const;

/** What the flags say about how health is checked; undefined where they say nothing. @throws OrlopError `invalid` */
export function readHealthOptions(flags: ParsedFlags): ImageHealthcheck | undefined {
  const test = flags.text("health-cmd");
  const retries = flags.parse("health-retries", parseRetries);
  const times = Object.entries(TIMES).flatMap(([member, name]) => {
    const time = flags.parse(name, parseTime);
    return time === undefined ? [] : [[member, time] as const];
  });
  const said: ImageHealthcheck = {
    ...(test === undefined || test === "" ? {} : { Test: ["CMD-SHELL", test] }),
    ...Object.fromEntries(times),
    ...(retries === undefined ? {} : { Retries: retries }),
  };
  const isSaid = Object.keys(said).length > 0;
  if (!flags.isOn("no-healthcheck")) return isSaid ? said : undefined;
  if (isSaid) throw new OrlopError("invalid", "--no-healthcheck conflicts with --health-* options");
  return { Test: ["NONE"] };
}

const TIME_MIN_NS = 1e6;

function parseTime(text: string): number {
  const time = parseDuration(text);
  if (time === undefined) throw new OrlopError("invalid", "it is a duration: 500ms, 30s, 1m30s");
  if (time === 0 || time >= TIME_MIN_NS) return time;
  throw new OrlopError("invalid", "it cannot be less than 1ms");
}

function parseRetries(text: string): number {
  const retries = parseInteger(text);
  if (retries >= 0) return retries;
  throw new OrlopError("invalid", "it cannot be negative");
}
