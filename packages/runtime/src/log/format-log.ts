import type { LogEntry } from "./log-entry.ts";

const NANOSECONDS = 1_000_000_000n;
const NEWLINE = 0x0a;

/** RFC 3339 in UTC with nanoseconds; `trimmed`: without zeros at the end, as Go's RFC3339Nano has it. */
function timeText(timeNs: bigint, trimmed: boolean): string {
  const fraction = ((timeNs % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  const seconds = new Date(Number((timeNs - fraction) / 1_000_000n)).toISOString().slice(0, 19);
  const digits = String(fraction).padStart(9, "0");
  const kept = trimmed ? digits.replace(/0+$/, "") : digits;
  return kept === "" ? `${seconds}Z` : `${seconds}.${kept}Z`;
}

/**
 * An entry as a line of the CRI's log format (kubernetes/design-proposals, "CRI: Log management"): time, stream, tag and
 * what was written; the tag is `P` for a part of a line, `F` for its last or only part.
 */
export function formatCri({ stream, timeNs, data }: LogEntry): Buffer {
  const isWhole = data.at(-1) === NEWLINE;
  const head = Buffer.from(`${timeText(timeNs, false)} ${stream} ${isWhole ? "F" : "P"} `);
  return Buffer.concat(isWhole ? [head, data] : [head, data, Buffer.from("\n")]);
}

/** What Go's encoding/json escapes in strings beyond what JSON does. */
const GO_ESCAPES = /[<>&\u2028\u2029]/g;

/** An entry as a line of docker's json-file. What is no UTF-8 becomes U+FFFD, as there. */
export function formatJsonFile(entry: LogEntry): Buffer {
  const quote = (text: string): string =>
    JSON.stringify(text).replace(GO_ESCAPES, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const log = quote(entry.data.toString("utf8"));
  return Buffer.from(`{"log":${log},"stream":"${entry.stream}","time":"${timeText(entry.timeNs, true)}"}\n`);
}
