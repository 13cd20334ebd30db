import { type ErrorCode, OrlopError } from "@orlop/core";
import { errnoName, errnoWords, type SourceMap } from "@orlop/kernel";

const CODES: Readonly<Record<string, ErrorCode>> = {
  EPERM: "denied",
  EACCES: "denied",
  EROFS: "denied",
  ENOENT: "not-found",
  ENOTDIR: "invalid",
  ELOOP: "invalid",
  EINVAL: "invalid",
  EISDIR: "invalid",
  ENAMETOOLONG: "invalid",
  ERANGE: "invalid",
  EBUSY: "conflict",
  EEXIST: "exists",
  ENOSYS: "unsupported",
  ENODEV: "unsupported",
  EOPNOTSUPP: "unsupported",
  ENOSPC: "exhausted",
  ENOMEM: "exhausted",
  EMFILE: "exhausted",
  ENFILE: "exhausted",
  EAGAIN: "exhausted",
  EDQUOT: "exhausted",
};

/** What an instruction is there for, as much of it as an error names. */
export interface FailedStep {
  readonly action: string;
  readonly field?: string | undefined;
}

/** The failure of instruction `index` in words, through the program's source map. */
export function programFailure(source: SourceMap, index: number, errno: number): OrlopError {
  return stepFailure(source.step(index) ?? { action: `execute instruction ${index}` }, errno);
}

export function stepFailure({ action, field }: FailedStep, errno: number): OrlopError {
  const name = errnoName(errno);
  const suffix = field === undefined ? "" : ` (${field})`;
  return new OrlopError(codeFor(name, field), `Cannot ${action}: ${words(name, field)}${suffix}`, {
    operation: action,
    errno: name,
    ...(field === undefined ? {} : { field }),
  });
}

/** Callers of runtimes tell a missing program from one that may not be executed, by these words and codes. */
function words(errno: string, field: string | undefined): string {
  if (field === "linux.seccomp.listenerPath") return `failed to connect with seccomp agent: ${errnoWords(errno)}`;
  if (field === "process.args[0]" && errno === "ENOENT") return "executable file not found: no such file or directory";
  return errnoWords(errno);
}

function codeFor(errno: string, field: string | undefined): ErrorCode {
  if (field === "process.args[0]") return errno === "ENOENT" ? "executable-not-found" : "executable-refused";
  return CODES[errno] ?? "failed";
}
