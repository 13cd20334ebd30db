import { type ErrorCode, OrlopError } from "@orlop/core";
import { codeOfWords } from "../oci/oci-failure.ts";

/**
 * An error of a shim, in its own words. The code is that of the call, unless the words, which are mostly those of an OCI
 * runtime, say more: shims answer "unknown" for what their runtime refused, and "not found" for a process that has ended.
 */
export function shimFailure(doing: string, error: unknown): OrlopError {
  if (!(error instanceof OrlopError) || error.message.startsWith("Cannot ")) return error as OrlopError;
  const { message, code } = error;
  return new OrlopError(codeFor(code, message), `Cannot ${doing}: ${message}`, {
    operation: doing.split(" ", 1)[0] ?? doing,
    cause: error,
  });
}

function codeFor(code: ErrorCode, words: string): ErrorCode {
  if (code === "failed") return codeOfWords(words);
  return code === "not-found" && /already finished|not running/.test(words) ? "conflict" : code;
}
