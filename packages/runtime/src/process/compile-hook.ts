import { constants } from "node:os";
import type { Hook, LinuxNamespaceType } from "@orlop/core";
import {
  CONTROL_FD,
  emitReport,
  POLLFD,
  type Pointer,
  type Program,
  ProgramBuilder,
  reportBuffer,
  SIGINFO_BYTES,
  SIGINFO_CODE_OFFSET,
  SIGINFO_STATUS_OFFSET,
  TIMESPEC,
  type Value,
} from "@orlop/kernel";
import type { HookOutput } from "./hook-output.ts";
import { NAMESPACE_FLAGS } from "./namespaces.ts";
import type { HostView } from "./supervision.ts";

interface Entry {
  readonly pid: number;
  readonly namespaces: readonly LinuxNamespaceType[];
}

interface HookPlan {
  readonly host: HostView;
  readonly hook: Hook;
  /** Name of the config field: `hooks.createRuntime[0]`. */
  readonly field: string;
  /** The container's state as JSON: the hook's stdin. */
  readonly state: string;
  /** Run in these namespaces of a process, with its root. */
  readonly enter: Entry | undefined;
  readonly output: HookOutput;
  readonly directory: string;
}

/** Compiles a hook: a process that watches the clock, and one that becomes the hook. `ETIME` when it takes too long. */
export function compileHook(plan: HookPlan): Program {
  const p = new ProgramBuilder(plan.host.architecture);
  const { hook, field } = plan;
  const failed = p.label("failed");
  const child = p.slot("hook");
  const hookLabel = p.label("the hook");
  const report = reportBuffer(p);
  p.role("watcher");
  p.step({ action: `run hook "${hook.path}"`, field });
  p.handler(failed);
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), p.buffer(8, "[]"), 0, 8]);
  p.call("setsid", []);
  if (plan.enter !== undefined) emitEnterForChildren(p, plan.enter, plan.host);
  p.call("clone", [p.number(constants.signals.SIGCHLD, "SIGCHLD"), 0, 0, 0, 0], { into: child });
  p.branch(child, "eq", 0, hookLabel);
  emitWatch(p, plan, report);
  const info = p.buffer(SIGINFO_BYTES, "{siginfo}");
  const code = p.slot("code");
  const status = p.slot("status");
  p.call("waitid", [p.flags("P_PID"), child, info, p.flags("WEXITED|__WALL"), 0]);
  p.load(code, info.at(SIGINFO_CODE_OFFSET), 4);
  p.load(status, info.at(SIGINFO_STATUS_OFFSET), 4);
  emitReport(p, report, "created");
  emitReport(p, report, "exited", { index: code, value: status });
  emitReport(p, report, "ended", { index: 0 });
  p.call("exit_group", [0]);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  emitReport(p, report, "ended", { index: 0 });
  p.call("exit_group", [0]);
  p.mark(hookLabel);
  emitBecomeHook(p, plan, report);
  return p.build();
}

/**
 * Waits for the hook's end. When it takes longer than it may, or nobody is left to hear of it, the hook is ended with what
 * it has started.
 */
function emitWatch(p: ProgramBuilder, { hook, field }: HookPlan, report: Pointer): void {
  const child = p.slot("hook");
  const pidfd = p.slot("pidfd");
  const ready = p.slot("ready");
  const events = p.slot("events");
  const wait = p.label("wait for the hook");
  const told = p.label("told");
  const ended = p.label("the hook has ended");
  const late = p.label("the hook is late");
  p.call("pidfd_open", [child, 0], { into: pidfd });
  const polls = p.buffer(2 * POLLFD.size, "[pidfd, 3]");
  p.store(polls, 4, pidfd);
  p.store(polls.at(POLLFD.fields.events.offset), 2, p.flags("POLLIN"));
  p.store(polls.at(POLLFD.size), 4, CONTROL_FD);
  const timeout = hook.timeout === undefined ? 0 : p.struct(TIMESPEC, { tv_sec: hook.timeout });
  p.mark(wait);
  p.call("ppoll", [polls, 2, timeout, 0, 8], { into: ready, on: ["EINTR"], goto: wait });
  p.load(events, polls.at(POLLFD.fields.revents.offset), 2);
  p.branch(events, "ne", 0, ended);
  const kill = p.number(constants.signals.SIGKILL, "SIGKILL");
  p.call("kill", [child, kill], { ignore: "any" });
  p.call("waitid", [p.flags("P_PID"), child, 0, p.flags("WEXITED|__WALL"), 0], { ignore: "any" });
  p.branch(ready, "ne", 0, told);
  p.step({ action: `wait ${hook.timeout ?? 0} s for hook "${hook.path}"`, field: `${field}.timeout` });
  p.handler(late);
  p.fail("ETIME");
  p.mark(late);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  emitReport(p, report, "ended", { index: 0 });
  p.mark(told);
  // The whole process group, this process included.
  p.call("kill", [0, kill]);
  p.mark(ended);
}

/**
 * Takes hold of init, by a number that is the watcher's, and enters what the kernel lets a process enter for its children alone: the hook sees processes as the container does, and who
 * watches it does as the host does. Without privileges of the host's the user namespace has to come first.
 */
function emitEnterForChildren(p: ProgramBuilder, { pid, namespaces }: Entry, host: HostView): void {
  const types = enteredBefore(namespaces, host);
  const init = p.slot("init");
  p.call("pidfd_open", [pid, 0], { into: init });
  if (types.length > 0) p.call("setns", [init, namespaceFlags(p, types)]);
}

function namespaceFlags(p: ProgramBuilder, types: readonly LinuxNamespaceType[]): Value {
  return p.flags(types.map((type) => NAMESPACE_FLAGS[type]).join("|"));
}

function enteredBefore(namespaces: Entry["namespaces"], { rootless }: HostView): readonly LinuxNamespaceType[] {
  if (!namespaces.includes("pid")) return [];
  return namespaces.filter((type) => type === "pid" || (type === "user" && rootless));
}

/**
 * Entering a mount namespace leads to the topmost mount on its root, which before the pivot is the container's. The root
 * that init itself has, the host's until the pivot, is what the hook's path counts from (runtime-spec, "Hooks").
 */
function emitEnter(p: ProgramBuilder, { pid, namespaces }: Entry, host: HostView, directory: string): void {
  const before = enteredBefore(namespaces, host);
  const types = namespaces.filter((type) => !before.includes(type));
  const init = p.slot("init");
  const root = p.slot("root_of_init");
  const path = p.text(`/proc/${pid}/root`);
  p.call("openat", [p.flags("AT_FDCWD"), path, p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC"), 0], { into: root });
  p.call("setns", [init, namespaceFlags(p, types)]);
  p.call("fchdir", [root]);
  p.call("chroot", [p.text(".")]);
  p.call("chdir", [p.text(directory)]);
}

function emitBecomeHook(p: ProgramBuilder, plan: HookPlan, report: ReturnType<typeof reportBuffer>): void {
  const { hook, field } = plan;
  const failed = p.label("hook failed");
  p.role("hook");
  p.step({
    action: `prepare hook "${hook.path}"`,
    field,
    why: 'its stdin is the container\'s state (runtime-spec, "State")',
  });
  p.handler(failed);
  p.call("prctl", [p.flags("PR_SET_PDEATHSIG"), p.number(constants.signals.SIGKILL, "SIGKILL"), 0, 0, 0]);
  const stdin = p.slot("stdin");
  const output = p.slot("output");
  const state = Buffer.from(plan.state);
  p.call("memfd_create", [p.text("state"), p.flags("MFD_CLOEXEC")], { into: stdin });
  p.call("write", [stdin, p.bytes(state, "<state>"), state.length]);
  p.call("lseek", [stdin, 0, p.flags("SEEK_SET")]);
  p.call("dup3", [stdin, 0, 0]);
  const append = p.flags("O_WRONLY|O_CREAT|O_APPEND|O_CLOEXEC");
  for (const [path, fd] of [
    [plan.output.stdout, 1],
    [plan.output.stderr, 2],
  ] as const) {
    p.call("openat", [p.flags("AT_FDCWD"), p.text(path), append, 0o600], { into: output });
    p.call("dup3", [output, fd, 0]);
  }
  if (plan.enter === undefined) {
    p.call("chdir", [p.text(plan.directory)]);
  } else {
    emitEnter(p, plan.enter, plan.host, plan.directory);
  }
  const close = p.flags("CLOSE_RANGE_CLOEXEC");
  p.call("close_range", [3, p.number(0xffff_ffff, "~0U"), close], { ignore: ["EINVAL", "ENOSYS"] });
  p.step({ action: `execute hook "${hook.path}"`, field: `${field}.path` });
  p.call("execve", [p.text(hook.path), p.vector(hook.args ?? [hook.path]), p.vector(hook.env ?? [])]);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.call("exit_group", [127]);
}
