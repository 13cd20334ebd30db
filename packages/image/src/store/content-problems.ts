import { type Digest, type ErrorCode, OrlopError } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";

export function unknownBlob(digest: Digest): OrlopError {
  return new OrlopError("not-found", `Cannot find blob "${digest}": the content store does not hold it`);
}

/** A blob that was verified once and is not what it was. */
export function damagedBlob(code: ErrorCode, digest: Digest, problem: string): OrlopError {
  const way = "Try pulling its image again: of what is there, only damaged blobs are fetched.";
  return new OrlopError(code, `Cannot use blob "${digest}": ${problem}\n${way}`, { operation: "read blob" });
}

/** Puts failed calls of node:fs into words. */
export function storeFailure(what: string, error: unknown): unknown {
  const isSystem = error instanceof Error && "syscall" in error && "code" in error;
  return isSystem ? systemFailure(what, error) : error;
}
