import { existsSync, readFileSync } from "node:fs";
import { OrlopError } from "@orlop/core";

/** What the program fails with when CRIU has failed, or is gone. */
const OF_CRIU: readonly string[] = ["EREMOTEIO", "ECONNRESET", "EPIPE"];

/** Lines that CRIU writes as errors and goes on after. */
const HARMLESS = /rlimit: Can't setup RLIMIT_NOFILE|: exited, status=|: (Dumping|Restoring|Pre-dumping) FAILED/;

/**
 * The error for a call of CRIU that failed, with what CRIU's log has to say about it.
 *
 * @param what was to be done: `checkpoint container "a"`
 * @param logPath of this call; a log of an earlier one must not be there any more
 * @param error what the program that called CRIU failed with
 */
export function criuFailure(what: string, logPath: string, error: OrlopError): OrlopError {
  if (!OF_CRIU.includes(error.errno ?? "") || !existsSync(logPath)) return error;
  const said = firstError(readFileSync(logPath, "utf8"));
  const reason = said === undefined ? "criu ended before it was done" : `criu: ${said}`;
  return new OrlopError("failed", `Cannot ${what}: ${reason}\nTry reading "${logPath}", where criu tells all.`, {
    operation: "call criu",
    cause: error,
  });
}

/** `(00.168268) Error (criu/files-reg.c:1790): Can't lookup mount=27`: what follows is mostly the failure of whoever called. */
function firstError(log: string): string | undefined {
  const line = log.split("\n").find((each) => / Error \(/.test(each) && !HARMLESS.test(each));
  return line?.replace(/^.*? Error \(([^)]*)\): */, "");
}
