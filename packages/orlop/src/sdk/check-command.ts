import { OrlopError } from "@orlop/core";
import {
  checkOptions,
  isAbsolutePath,
  isCount,
  isSignal,
  isText,
  isTimeout,
  isVariables,
  type OptionCheck,
} from "./check-options.ts";
import type { CommandOptions } from "./sandbox-options.ts";

const CHECKS: Readonly<Record<keyof CommandOptions, OptionCheck>> = {
  env: isVariables,
  workdir: isAbsolutePath,
  user: isText,
  input: (value) =>
    typeof value === "string" || value instanceof Uint8Array ? undefined : "it is a string or a Uint8Array",
  signal: isSignal,
  timeoutMs: isTimeout,
  outputMaxBytes: isCount,
};

/** @throws OrlopError `invalid` */
export function checkCommandOptions(options: CommandOptions): void {
  checkOptions("run command", options, CHECKS);
}

/** A program and its arguments. @throws OrlopError `invalid` */
export function checkWords(words: readonly string[]): void {
  const isFit = Array.isArray(words) && words.length > 0 && words[0] !== "";
  const odd = isFit ? words.find((word) => typeof word !== "string" || word.includes("\0")) : words;
  if (isFit && odd === undefined) return;
  const what = isFit ? "a word is a string without zero bytes" : "it is an array of a program and its arguments";
  throw new OrlopError("invalid", `Cannot run command ${JSON.stringify(odd)}: ${what}`, { field: "command" });
}
