import { OrlopError } from "@orlop/core";

/** Milliseconds of a unit: PROTOCOL-HTTP2.md of gRPC, "Timeout". */
const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };
/** Of a timeout, in digits. */
const DIGITS_MAX = 8;
/** setTimeout takes 31 bits; a caller with more time than that has all of it. */
const TIMEOUT_MAX_MS = 0x7fff_ffff;

export function encodeTimeout(timeoutMs: number): string {
  const text = `${Math.ceil(timeoutMs)}`;
  return text.length <= DIGITS_MAX ? `${text}m` : `${Math.ceil(timeoutMs / 1000)}S`;
}

/**
 * Milliseconds; undefined for a caller who has all the time.
 *
 * @throws OrlopError `invalid`
 */
export function decodeTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, digits, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (factor === undefined) throw new OrlopError("invalid", `Cannot read timeout "${text}": it is none of gRPC's`);
  const timeoutMs = Number(digits) * factor;
  return timeoutMs > TIMEOUT_MAX_MS ? undefined : Math.ceil(timeoutMs);
}
