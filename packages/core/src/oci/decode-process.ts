import { cpuList } from "./cpu-list.ts";
import {
  absolutePath,
  anyText,
  boolean,
  type Decoder,
  defaulted,
  int32,
  integer,
  list,
  nonEmptyText,
  object,
  oneOf,
  optional,
  refine,
  refuseDuplicates,
  required,
  text,
  uint32,
  uint64,
} from "./field-decoders.ts";
import { decodeDocument, FieldFailure, memberPath, show } from "./field-failure.ts";
import { parseJson } from "./json-text.ts";
import {
  type Box,
  type Capabilities,
  type ExecCPUAffinity,
  IO_PRIORITY_CLASSES,
  type IOPriority,
  type Process,
  RLIMIT_TYPES,
  type Rlimit,
  SCHEDULER_FLAGS,
  SCHEDULER_POLICIES,
  type Scheduler,
  type User,
} from "./process.ts";

/** 2^32 - 1 is how the kernel says "no id" or "leave it" (setresuid(2), chown(2)). */
export const userOrGroupId: Decoder<number> = integer(0, 0xffff_fffe);

const user = object<User>({
  uid: defaulted(userOrGroupId, 0),
  gid: defaulted(userOrGroupId, 0),
  umask: optional(integer(0, 0o777)),
  additionalGids: optional(list(userOrGroupId)),
  username: optional(anyText),
});

const names = list(nonEmptyText);

const capabilities = object<Capabilities>({
  bounding: optional(names),
  effective: optional(names),
  inheritable: optional(names),
  permitted: optional(names),
  ambient: optional(names),
});

const rlimit: Decoder<Rlimit> = refine(
  object<Rlimit>({ type: required(oneOf(RLIMIT_TYPES)), hard: required(uint64), soft: required(uint64) }),
  (limit, at) => {
    if (limit.soft <= limit.hard) return;
    const path = memberPath(at, "soft");
    throw new FieldFailure(path, `found ${limit.soft}, expected at most the hard limit, which is ${limit.hard}`);
  },
);

/** The members that only some policies take; sched(7). */
function checkScheduler(found: Scheduler, at: string): void {
  const { policy } = found;
  const realTime = policy === "SCHED_FIFO" || policy === "SCHED_RR";
  const refuse = (member: keyof Scheduler, expected: string): never => {
    const value = show(found[member]);
    throw new FieldFailure(memberPath(at, member), `found ${value}, and ${policy} takes ${expected}`);
  };
  const { nice = 0, priority = 0 } = found;
  if (nice < -20 || nice > 19) refuse("nice", "-20 to 19");
  if (realTime && (priority < 1 || priority > 99)) refuse("priority", "1 to 99");
  if (!realTime && priority !== 0) refuse("priority", "only 0");
  if (policy === "SCHED_DEADLINE") return;
  for (const member of ["runtime", "deadline", "period"] as const) {
    if (found[member] !== undefined && found[member] !== 0) refuse(member, "only 0");
  }
}

const scheduler: Decoder<Scheduler> = refine(
  object<Scheduler>({
    policy: required(oneOf(SCHEDULER_POLICIES)),
    nice: optional(int32),
    priority: optional(int32),
    flags: optional(list(oneOf(SCHEDULER_FLAGS))),
    runtime: optional(uint64),
    deadline: optional(uint64),
    period: optional(uint64),
  }),
  checkScheduler,
);

/** ws_row and ws_col of struct winsize, asm-generic/termios.h. */
const CONSOLE_SIDE_MAX = 0xffff;

function checkProcess(found: Process, at: string): void {
  refuseDuplicates(found.rlimits ?? [], memberPath(at, "rlimits"), "type", (limit) => limit.type);
  // Without a terminal the spec says that the size is ignored, whatever it is.
  if (found.terminal !== true || found.consoleSize === undefined) return;
  for (const side of ["height", "width"] as const) {
    if (found.consoleSize[side] <= CONSOLE_SIDE_MAX) continue;
    const path = memberPath(memberPath(at, "consoleSize"), side);
    throw new FieldFailure(path, `found ${found.consoleSize[side]}, expected at most ${CONSOLE_SIDE_MAX}`);
  }
}

/** `process` as a field of a larger document. Who is not named is root: the schema of the spec asks for `cwd` alone. */
export const processDecoder: Decoder<Process> = refine(
  object<Process>({
    terminal: optional(boolean),
    consoleSize: optional(object<Box>({ height: required(uint32), width: required(uint32) })),
    user: defaulted(user, { uid: 0, gid: 0 }),
    args: required(list(text, 1)),
    commandLine: optional(anyText),
    env: optional(list(text)),
    cwd: required(absolutePath),
    capabilities: optional(capabilities),
    rlimits: optional(list(rlimit)),
    noNewPrivileges: optional(boolean),
    apparmorProfile: optional(text),
    // OOM_SCORE_ADJ_MIN and OOM_SCORE_ADJ_MAX of linux/oom.h.
    oomScoreAdj: optional(integer(-1000, 1000)),
    scheduler: optional(scheduler),
    selinuxLabel: optional(text),
    ioPriority: optional(
      object<IOPriority>({ class: required(oneOf(IO_PRIORITY_CLASSES)), priority: defaulted(integer(0, 7), 0) }),
    ),
    execCPUAffinity: optional(object<ExecCPUAffinity>({ initial: optional(cpuList), final: optional(cpuList) })),
  }),
  checkProcess,
);

/**
 * Decodes the process that `exec --process` gets.
 *
 * @throws OrlopError `invalid`, with the field's path
 */
export function decodeProcess(input: string | Uint8Array): Process {
  return decodeDocument("OCI process", () => processDecoder(parseJson(input), ""));
}
