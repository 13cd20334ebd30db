import type { ErrorCode, OrlopError } from "@orlop/core";
import { FlagError } from "./flags/flag-error.ts";

/** Docker's: what the user's program cannot have returned, more or less. */
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

/**
 * How a failure shows in the exit code; "command" is the command's own code for failures (125 for `run`, 1 for others).
 */
const CODES: Readonly<Record<ErrorCode, number | "command">> = {
  invalid: "command",
  "not-found": "command",
  exists: "command",
  conflict: "command",
  denied: "command",
  unsupported: "command",
  exhausted: "command",
  cancelled: "command",
  "executable-not-found": NOT_FOUND,
  "executable-refused": NOT_EXECUTABLE,
  failed: "command",
  internal: "command",
};

export function exitCodeOf(error: OrlopError, failureExitCode: number): number {
  if (error instanceof FlagError) return FlagError.exitCode;
  const code = CODES[error.code];
  return code === "command" ? failureExitCode : code;
}
