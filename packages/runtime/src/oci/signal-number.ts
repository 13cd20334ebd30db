import { constants } from "node:os";
import { OrlopError } from "@orlop/core";

/** glibc's first and last real-time signals, by which the names count: signal(7). */
const SIGRTMIN = 34;
const SIGRTMAX = 64;

/**
 * The number of a signal, given by number or by name, with or without `SIG`, in any case: `9`, `KILL`, `sigrtmin+3`.
 * 0 is allowed, and only asks whether somebody is there.
 *
 * @throws OrlopError `invalid`
 */
export function signalNumber(text: string): number {
  const number = /^\d{1,3}$/.test(text) ? Number(text) : namedSignal(text.toUpperCase().replace(/^SIG/, ""));
  if (number !== undefined && number <= SIGRTMAX) return number;
  throw new OrlopError("invalid", `unknown signal ${JSON.stringify(text)}`, { operation: "read command line" });
}

function namedSignal(name: string): number | undefined {
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realTime === null) return constants.signals[`SIG${name}` as NodeJS.Signals];
  const [, end, sign, digits = "0"] = realTime;
  const number = (end === "MIN" ? SIGRTMIN : SIGRTMAX) + (sign === "-" ? -1 : 1) * Number(digits);
  return number >= SIGRTMIN ? number : undefined;
}
