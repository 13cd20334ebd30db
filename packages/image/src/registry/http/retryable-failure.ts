import type { OrlopError } from "@orlop/core";

/** A failure that may be gone at the next attempt. Never leaves this folder's callers: they throw `error`. */
export class RetryableFailure extends Error {
  override readonly name = "RetryableFailure";
  readonly error: OrlopError;
  /** The server asked for so long a pause. */
  readonly afterMs: number | undefined;
  /** The server closed a connection that was idle: no attempt of its own. */
  readonly wasIdle: boolean;

  constructor(error: OrlopError, options: { readonly afterMs?: number | undefined; readonly wasIdle?: boolean } = {}) {
    super(error.message, { cause: error });
    this.error = error;
    this.afterMs = options.afterMs;
    this.wasIdle = options.wasIdle ?? false;
  }
}
