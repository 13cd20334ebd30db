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

const NO_SUCH_CPU = "no CPU of the list is there and allowed to the container";

/** What an errno means for a field (any element of a list is `[]`, any key of a map `*`), where its usual words do not tell. */
const FIELD_WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // Callers of runtimes tell a missing program from one that may not be executed, by these words and codes.
  "process.args[]": { ENOENT: "executable file not found: no such file or directory" },
  "process.execCPUAffinity.initial": { EINVAL: NO_SUCH_CPU },
  "process.execCPUAffinity.final": { EINVAL: NO_SUCH_CPU },
  "mounts[]": { ELOOP: "too many levels of symbolic links, and it must be mounted on ordinary directory" },
  "mounts[].options": { EINVAL: "this kernel cannot do that to a file system of this kind" },
  "process.scheduler": {
    EPERM:
      "it takes CAP_SYS_NICE outside of user namespaces, SCHED_DEADLINE every CPU of the machine, and SCHED_FIFO and " +
      "SCHED_RR a cgroup with linux.resources.cpu.realtimeRuntime where version 1 limits that",
    EINVAL:
      "the policy does not take these values; SCHED_DEADLINE takes runtime <= deadline <= period, 1024 ns at least and 2^63 at most",
    EOPNOTSUPP: "this kernel does not clamp utilization",
  },
  "linux.netDevices.*": {
    ENODEV: "there is no such device on the host",
    EEXIST: "the container's network has a device of that name",
    EPERM: "it takes CAP_NET_ADMIN on the host",
    E2BIG: "it has too many addresses",
  },
  "linux.memoryPolicy": {
    EINVAL: "the machine does not have these memory nodes, or the mode does not go with these flags",
    ENOSYS: "this kernel does not know of memory nodes",
  },
};

function words(errno: string, field = ""): string {
  const usual = errnoWords(errno);
  if (field === "linux.seccomp.listenerPath") return `failed to connect with seccomp agent: ${usual}`;
  const any = field.replaceAll(/\[\d+\]/g, "[]").replace(/^(linux\.netDevices)\..*$/, "$1.*");
  return FIELD_WORDS[any]?.[errno] ?? usual;
}

function codeFor(errno: string, field: string | undefined): ErrorCode {
  if (field === "process.args[0]") return errno === "ENOENT" ? "executable-not-found" : "executable-refused";
  return CODES[errno] ?? "failed";
}
