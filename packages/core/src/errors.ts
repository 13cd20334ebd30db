/**
 * The closed set of failure kinds. Every boundary (exit code, HTTP status, gRPC code) maps it through a
 * total table, `Record<ErrorCode, ...>`, so a new member fails to compile until each boundary has decided.
 */
export type ErrorCode =
  /** The caller's input cannot mean anything: bad JSON, a wrong type, an impossible combination. */
  | "invalid"
  /** What was named does not exist. */
  | "not-found"
  /** The name is taken. */
  | "exists"
  /** The object is in a state that does not allow the operation. */
  | "conflict"
  /** The kernel or a policy says no to this caller. */
  | "denied"
  /** Well formed, but this kernel, machine or version of orlop does not have it. */
  | "unsupported"
  /** A named limit (memory, space, ids, program size) is used up. */
  | "exhausted"
  /** A time limit or an AbortSignal ended it. */
  | "cancelled"
  /** The file to execute is missing (exit code 127 on the command line). */
  | "executable-not-found"
  /** The file exists and cannot be executed (exit code 126). */
  | "executable-refused"
  /** Something outside (kernel, registry, hook) failed in a way that has no closer code. */
  | "failed"
  /** Our own mistake. */
  | "internal";

export interface OrlopErrorOptions {
  /** What was being done, as a verb phrase without object: `mount`, `create container`. */
  readonly operation?: string;
  /** Symbolic errno, when a system call decided it: `EPERM`. */
  readonly errno?: string;
  /** The configuration field that asked for the operation: `mounts[3].destination`. */
  readonly field?: string;
  readonly cause?: unknown;
}

/**
 * The one error class of the project.
 *
 * The message reads `Cannot <verb> <noun> "<value>": <what is the case>`; a way out, where there is one,
 * stands on a line of its own and begins with "Try".
 */
export class OrlopError extends Error {
  override readonly name = "OrlopError";
  readonly code: ErrorCode;
  readonly operation: string | undefined;
  readonly errno: string | undefined;
  readonly field: string | undefined;

  constructor(code: ErrorCode, message: string, options: OrlopErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.operation = options.operation;
    this.errno = options.errno;
    this.field = options.field;
  }
}
