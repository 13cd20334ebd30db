import { constants } from "node:os";
import type { Process } from "@orlop/core";
import {
  emitFillReport,
  emitReport,
  type ProgramBuilder,
  REPORT,
  reportBuffer,
  type SeccompProgram,
  type Slot,
  SOCK_FPROG,
} from "@orlop/kernel";
import { emitAttributes } from "./attributes.ts";
import { emitCloseOnExec, emitExecute, emitFindExecutable } from "./execute.ts";
import { emitIdentity } from "./identity.ts";
import { emitPidOne, emitPidOneAlone } from "./pid-one.ts";
import { emitTakeRlimits } from "./rlimits.ts";
import { emitAskCourier, emitHandOverListener } from "./seccomp-listener.ts";
import { emitSecurityLabels } from "./security-labels.ts";
import { resultPipe } from "./start-pipes.ts";
import type { Supervision } from "./supervision.ts";

export interface BecomeOptions {
  readonly process: Process;
  /** The file to execute, where it is not `args[0]`. */
  readonly executable?: string | undefined;
  readonly seccomp: SeccompProgram | undefined;
  /** setgroups(2) is forbidden: a user namespace made without privileges. */
  readonly groupsDenied: boolean;
  /** A handle on procfs. */
  readonly proc: Slot;
  /** Stay behind as pid 1; `alone`: and start nothing. */
  readonly init: boolean | "alone";
  /** When it is to start, its reaper has left. */
  readonly startsAsOrphan: boolean;
  /** What has to happen when everything but the last steps is done. */
  readonly beforeExecute: () => void;
}

/** Attributes that are set while there are still privileges; see {@link emitBecomeProgram}. */
export function emitPrivilegedAttributes(s: Supervision, { process, proc }: BecomeOptions): void {
  emitTakeRlimits(s, process);
  emitAttributes(s.p, process);
  emitSecurityLabels(s, process, proc);
}

/**
 * Turns the child, which is where it should be by now, into the user's program.
 *
 * The order: the filter of a process that may gain privileges needs CAP_SYS_ADMIN, so it comes before the user; with
 * `noNewPrivileges` it needs nothing and comes last, so that it need not allow what happens before. The working directory
 * must lie inside the root (CVE-2024-21626).
 */
export function emitBecomeProgram(s: Supervision, options: BecomeOptions): void {
  const { p } = s;
  const { process, seccomp, startsAsOrphan } = options;
  const late = process.noNewPrivileges === true;
  const isAlone = options.init === "alone";
  if (!isAlone) emitFindExecutable(p, process, { executable: options.executable, mustBeThere: startsAsOrphan });
  options.beforeExecute();
  p.handler(s.labels.startFailed);
  emitCloseOnExec(p);
  p.step({ action: "set umask", field: "process.user.umask" });
  p.call("umask", [process.user.umask ?? 0o22]);
  emitTryWorkingDirectory(p, process.cwd);
  if (seccomp !== undefined && !late) emitSeccomp(s, seccomp);
  emitIdentity(p, {
    process,
    lastCapability: s.host.lastCapability,
    groupsDenied: options.groupsDenied,
    keepGroups: s.keepGroups === true,
  });
  if (!s.detached) emitDieWithParent(p);
  emitWorkingDirectory(p, process.cwd);
  if (late) {
    p.step({ action: "give up new privileges", field: "process.noNewPrivileges" });
    p.call("prctl", [p.flags("PR_SET_NO_NEW_PRIVS"), 1, 0, 0, 0]);
    if (seccomp !== undefined) emitSeccomp(s, seccomp);
  }
  const told = startsAsOrphan ? resultPipe(s) : s.slots.syncChild;
  if (isAlone) emitPidOneAlone(p, told);
  else {
    if (options.init) emitPidOne(s);
    emitExecute(p, process, { told, descriptors: s.descriptors, executable: options.executable, looked: true });
  }
  emitChildFailure(s, told);
}

/** Asked for again after a change of user: the kernel clears it then (prctl(2), PR_SET_PDEATHSIG). */
export function emitDieWithParent(p: ProgramBuilder): void {
  p.step({ action: "end with the reaper", why: "a container that nobody waits for must not stay" });
  p.call("prctl", [p.flags("PR_SET_PDEATHSIG"), p.number(constants.signals.SIGKILL, "SIGKILL"), 0, 0, 0]);
}

const PATH_MAX = 4096;

/**
 * While still root, as the other runtimes do: an image's /root is a working directory for whoever runs in it. A file
 * system that trusts root less than its user refuses that, and is asked again as the user.
 */
function emitTryWorkingDirectory(p: ProgramBuilder, cwd: string): void {
  const refused = p.label("root may not enter it");
  const entered = p.slot("entered");
  p.step({ action: `change to directory "${cwd}" as root`, field: "process.cwd" });
  p.set(entered, 0);
  p.call("chdir", [p.text(cwd)], { on: "any", goto: refused });
  emitExpectInside(p);
  p.set(entered, 1);
  p.mark(refused);
}

function emitWorkingDirectory(p: ProgramBuilder, cwd: string): void {
  const there = p.label("it is entered");
  p.step({ action: `change to directory "${cwd}"`, field: "process.cwd" });
  p.branch(p.slot("entered"), "ne", 0, there);
  p.call("chdir", [p.text(cwd)]);
  emitExpectInside(p);
  p.mark(there);
}

/**
 * CVE-2024-21626: a working directory must lie inside the root. Where it can be, this is before the filter of the user's,
 * which may forbid to ask.
 */
function emitExpectInside(p: ProgramBuilder): void {
  const path = p.scratch(PATH_MAX, "<path>");
  const first = p.slot("first_byte");
  const inside = p.label("inside the root");
  // Outside the root the kernel puts "(unreachable)" in front: getcwd(2).
  p.call("getcwd", [path, PATH_MAX]);
  p.load(first, path, 1);
  p.branch(first, "eq", p.number(0x2f, "'/'"), inside);
  p.fail("EXDEV");
  p.mark(inside);
}

function emitSeccomp(s: Supervision, seccomp: SeccompProgram): void {
  const { p } = s;
  const listener = p.slot("listener");
  emitAskCourier(s, seccomp);
  p.step({ action: "install the seccomp filter", field: "linux.seccomp" });
  const filter = p.bytes(seccomp.filter, `<filter of ${seccomp.instructionCount} instructions>`);
  const program = p.struct(SOCK_FPROG, { len: seccomp.instructionCount, filter });
  p.call("seccomp", [p.flags("SECCOMP_SET_MODE_FILTER"), p.number(seccomp.flags), program], {
    ...(seccomp.listener === undefined ? {} : { into: listener }),
  });
  emitHandOverListener(s, seccomp, listener);
}

/**
 * Where every failure of the child goes. Those behind "ready" are for the reaper, which keeps them and passes them on:
 * whoever starts the container need not be the process that wrote the program and hears its reports. Where there is no
 * reaper any more they are for the one who starts it.
 */
function emitChildFailure(s: Supervision, told: Slot): void {
  const { p } = s;
  const report = reportBuffer(p);
  const failure = { index: p.failedIndex, value: p.failedErrno };
  p.mark(s.labels.startFailed);
  p.step({ action: "tell of a failure of the start" });
  emitFillReport(p, report, "failed", failure);
  p.call("write", [told, report, REPORT.size], { ignore: "any" });
  p.call("exit_group", [1]);
  p.mark(s.labels.childFailed);
  p.step({ action: "report a failure of the child" });
  emitReport(p, report, "failed", failure);
  p.call("exit_group", [1]);
}
