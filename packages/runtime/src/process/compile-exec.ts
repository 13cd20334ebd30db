import { constants } from "node:os";
import { basename } from "node:path";
import type { Linux, LinuxNamespaceType, Process, State } from "@orlop/core";
import {
  type CgroupJoin,
  CLONE_ARGS,
  emitExpectFileSystem,
  type Program,
  type SeccompProgram,
  type Slot,
} from "@orlop/kernel";
import type { ContainerUnit } from "../systemd/container-unit.ts";
import { emitOomScore } from "./attributes.ts";
import {
  type BecomeOptions,
  emitBecomeProgram,
  emitDieWithParent,
  emitPrivilegedAttributes,
} from "./become-program.ts";
import { emitEnterCgroups, emitOpenCgroupDoors, emitOpenCloneCgroup } from "./cgroups.ts";
import { emitCpuAffinity, emitForgetCpuAffinity } from "./cpu-affinity.ts";
import { emitMemoryPolicy } from "./memory-policy.ts";
import { NAMESPACE_FLAGS } from "./namespaces.ts";
import { emitOwnSession } from "./own-session.ts";
import { emitPersonality } from "./personality.ts";
import { emitProcHandle } from "./proc-handle.ts";
import { emitCloneChild, emitEndReaper, emitPrepareReaper, emitRecordExit, emitSupervise } from "./reaper.ts";
import { rlimitsFromReaper } from "./rlimits.ts";
import { checkListener, emitMakeCourierSocket, emitStartCourier } from "./seccomp-listener.ts";
import { emitReceiveDescriptor, emitSendDescriptor } from "./send-descriptor.ts";
import { descriptorPath, emitGiveStdio, emitInstallStdio, emitOpenStdio } from "./stdio.ts";
import {
  emitAwaitReaper,
  emitLeaveReaperEnds,
  emitLetChildGo,
  emitSay,
  type Supervision,
  type SupervisionOptions,
  superviseIn,
} from "./supervision.ts";
import { emitAttachToUnit } from "./systemd-unit.ts";
import { checkConsoleSocket, emitInstallTerminal, emitMakeTerminal, emitTakeTerminal } from "./terminal.ts";

/** One more process in a running container. */
export interface ExecPlan extends Omit<SupervisionOptions, "rlimitsFromReaper"> {
  readonly process: Process;
  /** The file to execute, where it is not `args[0]`. */
  readonly executable?: string;
  /** Pid of the container's init. */
  readonly initPid: number;
  /** Init's directory in procfs, as a descriptor of the process that starts the program; absent: its reaper tells. */
  readonly pinnedInit?: number;
  /** The container's state directory, where the record of init's exit would be. */
  readonly containerDirectory: string;
  readonly namespaces: readonly LinuxNamespaceType[];
  readonly join: readonly CgroupJoin[];
  /** The cgroup of version 2 to join where the container's own is one that takes no processes. */
  readonly joinInit?: string | undefined;
  /** The container is frozen, and the process will be with it until somebody thaws it. */
  readonly frozen: boolean;
  /** Of the user's systemd, which is to move the process there; see {@link emitAttachToUnit}. */
  readonly unit?: ContainerUnit | undefined;
  readonly seccomp: SeccompProgram | undefined;
  /** Of the container, absent where its config has none. */
  readonly personality?: Linux["personality"] | undefined;
  readonly memoryPolicy?: Linux["memoryPolicy"] | undefined;
  /** Of the container. */
  readonly state: State;
}

/**
 * Compiles an exec: a reaper of its own, a process in between that enters the container's namespaces, and the child, made
 * from in between so that it is inside the pid namespace, too.
 */
export function compileExec(plan: ExecPlan): Program {
  const s = superviseIn({
    ...plan,
    rlimitsFromReaper: rlimitsFromReaper(plan.process, plan.host, plan.namespaces.includes("user")),
  });
  const { p, slots, labels } = s;
  checkConsoleSocket(s);
  checkListener(plan.seccomp);
  emitPrepareReaper(s);
  emitFindInit(s, plan);
  const { cloneInto, join } = cgroupEntry(plan);
  emitOpenCgroupDoors(p, { join });
  emitOpenCloneCgroup(p, { cloneInto });
  emitOpenStdio(s);
  emitMakeCourierSocket(s, plan.seccomp);
  const between = p.slot("between");
  const joined = p.label("child is started");
  emitCloneBetween(s, between, cloneInto, plan.joinInit);
  p.branch(between, "ne", 0, joined);
  emitEnter(s, plan);
  p.role("reaper");
  p.mark(joined);
  p.step({ action: "take the child's pidfd" });
  p.call("close", [slots.syncChild]);
  emitReceiveDescriptor(s, slots.pidfd, slots.child);
  p.call("waitid", [p.flags("P_PID"), between, 0, p.flags("WEXITED|__WALL"), 0], { ignore: ["ECHILD"] });
  emitStartCourier(s, plan.seccomp, plan.state);
  if (plan.unit !== undefined) emitAttachToUnit(s, plan.unit);
  emitLetChildGo(s);
  if (s.terminal) emitTakeTerminal(s);
  emitSupervise(s, false, labels.child);
  emitRecordExit(s);
  emitEndReaper(s, () => {});
  p.mark(labels.child);
  p.role("child");
  emitChild(s, { ...plan, join });
  return p.build();
}

/**
 * A write to cgroup.procs waits for an RCU grace period, a clone into a cgroup does not: see `CgroupPlan.cloneInto`. But
 * what is cloned into a frozen one does not even get to its first step, which the reaper would wait for; the CPUs to run on
 * first are those outside; and into a unit systemd moves what is there.
 */
function cgroupEntry({ join, frozen, unit, process }: ExecPlan): {
  readonly cloneInto: string | undefined;
  readonly join: readonly CgroupJoin[];
} {
  const isLate = frozen || unit !== undefined || process.execCPUAffinity?.initial !== undefined;
  const unified = isLate ? undefined : join.find(({ file }) => file === "cgroup.procs");
  return { cloneInto: unified?.directory, join: join.filter((each) => each !== unified) };
}

/** The host's privileges are enough for the cgroup; those that the process in between will have may not be. */
function emitCloneBetween(
  { p }: Supervision,
  between: Slot,
  cloneInto: string | undefined,
  joinInit: string | undefined,
): void {
  const sigchld = p.number(constants.signals.SIGCHLD, "SIGCHLD");
  if (cloneInto === undefined) {
    p.step({ action: "start a process to enter the container" });
    p.call("clone", [sigchld, 0, 0, 0, 0], { into: between });
    return;
  }
  p.step({ action: `start a process in cgroup "${cloneInto}" to enter the container`, field: "linux.cgroupsPath" });
  const args = p.struct(CLONE_ARGS, { flags: p.flags("CLONE_INTO_CGROUP"), exit_signal: sigchld });
  const cgroup = args.at(CLONE_ARGS.fields.cgroup.offset);
  p.store(cgroup, 8, p.slot("cgroup"));
  if (joinInit === undefined) {
    p.call("clone3", [args, CLONE_ARGS.size], { into: between });
    return;
  }
  const [busy, cloned] = [p.label("it takes no processes"), p.label("cloned")];
  p.call("clone3", [args, CLONE_ARGS.size], { into: between, on: ["EBUSY"], goto: busy });
  p.jump(cloned);
  p.mark(busy);
  p.call("close", [p.slot("cgroup")]);
  emitOpenCloneCgroup(p, { cloneInto: joinInit });
  p.store(cgroup, 8, p.slot("cgroup"));
  p.step({
    action: `start a process in cgroup "${joinInit}" to enter the container`,
    field: "linux.cgroupsPath",
    why: "the container's own cgroup has handed its controllers on, and init is here",
  });
  p.call("clone3", [args, CLONE_ARGS.size], { into: between });
  p.mark(cloned);
}

/** A pidfd of init that is proven to be init's: without a record of its exit it has not been reaped. */
function emitFindInit(s: Supervision, plan: ExecPlan): void {
  const { p } = s;
  const alive = p.label("init lives");
  p.step({ action: "find the container's init", why: "a pid alone may be somebody else's by now" });
  p.call("pidfd_open", [p.given("init", plan.initPid), 0], { into: p.slot("init") });
  if (plan.pinnedInit !== undefined) {
    // Only while its owner has not been reaped: then it had the pid a moment ago, too.
    const status = p.text(`${descriptorPath(plan.host, plan.pinnedInit)}/stat`);
    p.call("openat", [p.flags("AT_FDCWD"), status, p.flags("O_RDONLY|O_CLOEXEC"), 0], { into: p.slot("stat") });
    p.call("read", [p.slot("stat"), p.scratch(1, "<stat>"), 1]);
    p.call("close", [p.slot("stat")]);
    return;
  }
  const record = p.text(`${plan.containerDirectory}/exit`);
  p.call("faccessat2", [p.flags("AT_FDCWD"), record, 0, 0], { on: ["ENOENT"], goto: alive });
  p.fail("ESRCH");
  p.mark(alive);
}

function emitEnter(s: Supervision, plan: ExecPlan): void {
  const { p, slots, labels } = s;
  p.role("between");
  p.handler(labels.childFailed);
  emitCpuAffinity(p, plan.process.execCPUAffinity, "initial");
  if (plan.process.oomScoreAdj !== undefined) {
    const proc = p.slot("proc");
    p.step({ action: "open the host's procfs" });
    p.call("openat", [p.flags("AT_FDCWD"), p.text("/proc"), p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC"), 0], {
      into: proc,
    });
    emitExpectFileSystem(p, proc, "PROC_SUPER_MAGIC");
    // While this process still has the host's privileges; what is cloned from it inherits the score.
    emitOomScore(p, plan.process, proc);
  }
  p.step({
    action: "enter the container's namespaces",
    why: "CVE-2016-9962: not dumpable, so that nobody inside can look at what is still open here",
  });
  p.call("prctl", [p.flags("PR_SET_DUMPABLE"), 0, 0, 0, 0]);
  const flags = plan.namespaces.map((type) => NAMESPACE_FLAGS[type]).join("|");
  if (flags !== "") p.call("setns", [p.slot("init"), p.flags(flags)]);
  p.step({ action: "start the child" });
  emitCloneChild(s, ["CLONE_PARENT"], undefined);
  emitSendDescriptor(s, slots.pidfd, slots.child);
  p.call("exit_group", [0]);
}

function emitChild(s: Supervision, plan: ExecPlan): void {
  const { p } = s;
  const { process } = plan;
  const proc = p.slot("proc");
  p.step({ action: "prepare the child" });
  p.handler(s.labels.childFailed);
  if (!s.detached) emitDieWithParent(p);
  emitLeaveReaperEnds(s);
  emitAwaitReaper(s);
  emitEnterCgroups(p, plan);
  const { initial = "", final = "" } = process.execCPUAffinity ?? {};
  if (initial === "" && final === "") emitForgetCpuAffinity(p);
  else emitCpuAffinity(p, process.execCPUAffinity, "final");
  if (plan.namespaces.includes("user")) {
    p.step({ action: "become root of the user namespace" });
    p.call("setresgid", [0, 0, 0]);
    p.call("setresuid", [0, 0, 0]);
  }
  emitOwnSession(s, basename(plan.containerDirectory));
  const options: BecomeOptions = {
    process,
    executable: plan.executable,
    seccomp: plan.seccomp,
    groupsDenied: plan.namespaces.includes("user") && s.host.uid !== 0,
    proc,
    init: false,
    startsAsOrphan: false,
    beforeExecute: () => emitSay(s, "ready", false),
  };
  if (process.apparmorProfile !== undefined || process.selinuxLabel !== undefined) {
    emitProcHandle(p, proc);
  }
  if (s.terminal) {
    const root = p.slot("root");
    p.step({ action: "open the root directory" });
    p.call("openat", [p.flags("AT_FDCWD"), p.text("/"), p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC"), 0], { into: root });
    emitMakeTerminal(s, process, root, false);
  }
  emitPrivilegedAttributes(s, options);
  emitPersonality(p, plan.personality);
  emitMemoryPolicy(p, plan.memoryPolicy);
  if (s.terminal) emitInstallTerminal(s);
  else {
    emitInstallStdio(s);
    emitGiveStdio(s, process);
  }
  emitBecomeProgram(s, options);
}
