import { type ErrorCode, OrlopError } from "@orlop/core";
import { errnoWords } from "../abi/errno.ts";
import type { CgroupJoin, CgroupOperation } from "./cgroup-plan.ts";

/** What an errno means for a cgroup file, which strerror(3) does not tell. */
interface Explanation {
  readonly errno: string;
  /** Of the operation. */
  readonly kind: CgroupOperation["kind"] | "join";
  /** Of the file's name. */
  readonly file?: RegExp;
  readonly code: ErrorCode;
  readonly what: string;
  readonly tryThis?: string;
}

// table: errno of cgroup operations, the first that fits; kernel/cgroup/cgroup.c and the controllers
const EXPLANATIONS: readonly Explanation[] = [
  {
    errno: "EBUSY",
    kind: "write",
    file: /^cgroup\.subtree_control$/,
    code: "conflict",
    what: "the cgroup has processes of its own, and only a cgroup without any hands controllers on",
    tryThis: "moving them into a child cgroup first",
  },
  {
    errno: "EBUSY",
    kind: "write",
    file: /^memory\./,
    code: "conflict",
    what: "the cgroup uses more than that already",
  },
  {
    errno: "ENOENT",
    kind: "write",
    file: /bfq|^io\.|^blkio\./,
    code: "unsupported",
    what: "this kernel's I/O schedulers do not have it",
  },
  {
    errno: "ENOENT",
    kind: "write",
    file: /memsw|swap/,
    code: "unsupported",
    what: "this kernel does not account swap",
  },
  {
    errno: "ENOENT",
    kind: "write",
    code: "unsupported",
    what: "this kernel has no such file, or the controller is not handed on to this cgroup",
  },
  { errno: "EOPNOTSUPP", kind: "write", file: /kmem/, code: "unsupported", what: "the kernel dropped this limit" },
  { errno: "ENODEV", kind: "write", file: /^(io|blkio)\./, code: "not-found", what: "there is no such block device" },
  { errno: "ENXIO", kind: "write", file: /^(io|blkio)\./, code: "not-found", what: "there is no such block device" },
  {
    errno: "ENOSPC",
    kind: "write",
    file: /cpus$|mems$/,
    code: "invalid",
    what: "processes would be left without a CPU or memory node",
  },
  {
    errno: "EACCES",
    kind: "write",
    file: /cpus$|mems$/,
    code: "denied",
    what: "the parent cpuset does not have all of these",
  },
  {
    errno: "EPERM",
    kind: "write",
    file: /^devices\.allow$/,
    code: "denied",
    what: "the parent cgroup does not allow that device",
  },
  {
    errno: "EINVAL",
    kind: "write",
    file: /^cpu\.rt_/,
    code: "invalid",
    what: "the budget does not fit the parent's, or a realtime process would be left without one",
  },
  {
    errno: "EINVAL",
    kind: "write",
    file: /cfs_|^cpu\.max/,
    code: "invalid",
    what: "the value is out of range or does not fit the parent's quota",
  },
  { errno: "EINVAL", kind: "write", code: "invalid", what: "the kernel does not take this value" },
  { errno: "ERANGE", kind: "write", code: "invalid", what: "the value is out of the kernel's range" },
  {
    errno: "EAGAIN",
    kind: "mkdir",
    code: "exhausted",
    what: "cgroup.max.depth or cgroup.max.descendants of an ancestor is reached",
  },
  { errno: "ENOSPC", kind: "join", code: "conflict", what: "the cpuset has no CPUs or no memory nodes" },
  { errno: "EBUSY", kind: "join", code: "conflict", what: "the cgroup hands controllers on, so it takes no processes" },
  { errno: "EOPNOTSUPP", kind: "join", code: "conflict", what: "the cgroup is threaded or lies below a threaded one" },
  {
    errno: "EINVAL",
    kind: "join",
    code: "conflict",
    what: "the process is a realtime one and the cgroup has no realtime budget",
  },
  { errno: "ESRCH", kind: "join", code: "not-found", what: "the process is gone" },
];

/** Codes of errnos that mean the same everywhere. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  EPERM: "denied",
  EACCES: "denied",
  EROFS: "denied",
  ENOENT: "not-found",
  ENODEV: "not-found",
  EEXIST: "exists",
  EBUSY: "conflict",
  EINVAL: "invalid",
  ENOMEM: "exhausted",
  ENOSPC: "exhausted",
  EAGAIN: "exhausted",
  EOPNOTSUPP: "unsupported",
  ENOSYS: "unsupported",
};

/** The error for an operation of a plan that the kernel refused with this errno. */
export function cgroupFailure(operation: CgroupOperation, errno: string, cause?: unknown): OrlopError {
  const file = "file" in operation ? (operation.file ?? "") : "";
  return failure(operation.kind, file, describe(operation), errno, operation.field, cause);
}

/** The error for a process that could not enter its cgroup. */
export function cgroupJoinFailure(join: CgroupJoin, errno: string, cause?: unknown): OrlopError {
  const action = `move process into cgroup ${JSON.stringify(join.directory)}`;
  return failure("join", join.file, action, errno, undefined, cause);
}

/** Completes "Cannot ...". */
function describe(operation: CgroupOperation): string {
  const { directory } = operation;
  switch (operation.kind) {
    case "mkdir":
      return `create cgroup "${directory}"`;
    case "write":
      return `write ${JSON.stringify(operation.value)} to cgroup file "${directory}/${operation.file}"`;
    case "inherit":
      return `copy cgroup file "${operation.file}" from "${operation.from}" to "${directory}"`;
    case "chown":
      return `give cgroup "${operation.file === undefined ? directory : `${directory}/${operation.file}`}" to user ${operation.uid}`;
    case "attach-device-filter":
      return `attach device filter to cgroup "${directory}"`;
    case "check-memory":
      return `read memory use of cgroup "${directory}"`;
  }
}

function failure(
  kind: Explanation["kind"],
  file: string,
  action: string,
  errno: string,
  field: string | undefined,
  cause: unknown,
): OrlopError {
  const row = EXPLANATIONS.find(
    (candidate) => candidate.errno === errno && candidate.kind === kind && (candidate.file?.test(file) ?? true),
  );
  const what = row === undefined ? `${errno}, ${errnoWords(errno)}` : `${errno}, ${row.what}`;
  const wayOut = row?.tryThis === undefined ? "" : `\nTry ${row.tryThis}`;
  return new OrlopError(row?.code ?? CODES[errno] ?? "failed", `Cannot ${action}: ${what}${wayOut}`, {
    operation: "set up cgroup",
    errno,
    ...(field === undefined ? {} : { field }),
    ...(cause === undefined ? {} : { cause }),
  });
}
