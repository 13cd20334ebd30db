import { OrlopError } from "@orlop/core";

const SHOWN_MAX = 100;

/** For messages: what comes from outside, shortened and without control characters. */
export function shown(value: string): string {
  return JSON.stringify(value.length <= SHOWN_MAX ? value : `${value.slice(0, SHOWN_MAX)}...`);
}

/** An archive or a package of a mirror holds what it must not. */
export function refusedFile(name: string, problem: string): OrlopError {
  return new OrlopError("invalid", `Cannot use ${shown(name)}: ${problem}`);
}
