import { type ErrorCode, OrlopError } from "@orlop/core";
import { errnoName, errnoWords } from "./errno.ts";

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: "not-found",
  ENOTDIR: "invalid",
  EISDIR: "invalid",
  ELOOP: "invalid",
  ENAMETOOLONG: "invalid",
  EEXIST: "exists",
  EACCES: "denied",
  EPERM: "denied",
  EROFS: "denied",
  ENOSPC: "exhausted",
  EDQUOT: "exhausted",
  EMFILE: "exhausted",
  ENFILE: "exhausted",
  ENOMEM: "exhausted",
};

/** The error for a call of node:fs that failed: `what` was to be done, as `read config "a"`. */
export function systemFailure(what: string, cause: unknown, field?: string): OrlopError {
  const code = codeOf(cause as NodeJS.ErrnoException);
  if (code === undefined) throw cause;
  return new OrlopError(CODES[code] ?? "failed", `Cannot ${what}: ${errnoWords(code)}`, {
    operation: what,
    errno: code,
    cause,
    ...(field === undefined ? {} : { field }),
  });
}

/** A failed call of node:fs or node:child_process that nobody has put into words, or `undefined` for anything else. */
export function asSystemFailure(error: unknown): OrlopError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return undefined;
  const verb = WORDS[syscall] ?? syscall;
  return systemFailure(path === undefined ? verb : `${verb} "${path}"`, error);
}

/** What libuv names the less obvious of its calls by, as a person would say it. */
const WORDS: Readonly<Record<string, string>> = {
  scandir: "list directory",
  mkdir: "make directory",
  rmdir: "remove directory",
  unlink: "remove",
  stat: "look at",
  lstat: "look at",
  readlink: "read link",
};

/** Errors that Node has no name for, as that of a full quota, have Linux's. */
function codeOf({ code, errno }: NodeJS.ErrnoException): string | undefined {
  return code === "UNKNOWN" && errno !== undefined ? errnoName(-errno) : code;
}
