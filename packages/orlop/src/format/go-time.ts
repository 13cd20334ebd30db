import { caller } from "../caller/caller.ts";

/** A time of the machine's own zone, as Go's `time.Time` prints itself: `2026-01-02 03:04:05 +0000 UTC`. */
export function goTime(timeMs: number): string {
  return zonedTime(timeMs, "");
}

/** The same with its fraction of a second, as Go prints one that has it: `2026-01-02 03:04:05.25 +0000 UTC`. */
export function goTimeWithFraction(timeMs: number): string {
  const digits = String(timeMs % 1000).padStart(3, "0");
  return zonedTime(timeMs, `.${digits}`.replace(/\.?0+$/, ""));
}

function zonedTime(timeMs: number, fraction: string): string {
  const offset = offsetText(timeMs, "");
  return `${localPart(timeMs).replace("T", " ")}${fraction} ${offset} ${zoneName(timeMs, offset)}`;
}

/** A time of the machine's own zone as RFC 3339 has it: `2026-01-02T03:04:05Z`. */
export function rfc3339Time(timeMs: number): string {
  const offset = offsetText(timeMs, ":");
  return localPart(timeMs) + (offset === "+00:00" ? "Z" : offset);
}

/** East of Greenwich. */
function offsetMinutes(timeMs: number): number {
  return -new Date(timeMs).getTimezoneOffset();
}

function localPart(timeMs: number): string {
  return new Date(timeMs + offsetMinutes(timeMs) * 60_000).toISOString().slice(0, "2026-01-02T03:04:05".length);
}

function offsetText(timeMs: number, colon: string): string {
  const minutes = offsetMinutes(timeMs);
  const size = Math.abs(minutes);
  const digits = (value: number): string => String(value).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${digits(Math.floor(size / 60))}${colon}${digits(size % 60)}`;
}

/** `CET`; zones that have no letters are called as they are in Go, by their offset. */
function zoneName(timeMs: number, offset: string): string {
  // Without a look into the tables of all zones, which take long to load.
  if (offset === "+0000" && (caller().env.TZ ?? "UTC") === "UTC") return "UTC";
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(timeMs);
  const name = parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
  return /^[A-Z]+$/.test(name) ? name : offset.replace(/00$/, "");
}
