import { existsSync, readFileSync } from "node:fs";
import { OrlopError } from "@orlop/core";

/** What the program fails with when CRIU answers that it has failed. */
const REFUSED = "EREMOTEIO";
/** And when it is gone. */
const OF_CRIU: readonly string[] = [REFUSED, "ECONNRESET", "EPIPE"];

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
  const { errno = "" } = error;
  const isThere = existsSync(logPath);
  // Without a log, one that has answered wrote another; one that is gone may never have been CRIU.
  if (!(isThere ? OF_CRIU.includes(errno) : errno === REFUSED)) return error;
  return new OrlopError("failed", `Cannot ${what}: ${isThere ? readReason(logPath) : unread(logPath)}`, {
    operation: "call criu",
    cause: error,
  });
}

function readReason(logPath: string): string {
  const said = firstError(readFileSync(logPath, "utf8"));
  const reason = said === undefined ? "criu ended before it was done" : `criu: ${said}`;
  return `${reason}\nTry reading "${logPath}", where criu tells all.`;
}

/** A configuration of the user's (criu(8), "Configuration files") may have it write its log elsewhere. */
function unread(logPath: string): string {
  return `criu failed, and has written no "${logPath}"\nTry reading the log that "log-file" names in criu's configuration.`;
}

/** `(00.168268) Error (criu/files-reg.c:1790): Can't lookup mount=27`: what follows is mostly the failure of whoever called. */
function firstError(log: string): string | undefined {
  const line = log.split("\n").find((each) => / Error \(/.test(each) && !HARMLESS.test(each));
  return line?.replace(/^.*? Error \(([^)]*)\): */, "");
}
