import { constants } from "node:os";
import {
  CLONE_ARGS,
  CONTROL_FD,
  emitReport,
  type Label,
  POLLFD,
  type Pointer,
  REPORT,
  SIGACTION,
  SIGINFO_BYTES,
  SIGINFO_CODE_OFFSET,
  SIGINFO_STATUS_OFFSET,
  TIMESPEC,
} from "@orlop/kernel";
import { type Compilation, isNew } from "./compilation.ts";
import { COMMAND, COMMAND_BYTES } from "./control-command.ts";
import { emitBindSources } from "./mount-sources.ts";
import { emitOpenStdio } from "./stdio.ts";
import { emitWriteIdMaps } from "./user-namespace.ts";

const CLONE_FLAGS = {
  pid: "CLONE_NEWPID",
  network: "CLONE_NEWNET",
  mount: "CLONE_NEWNS",
  ipc: "CLONE_NEWIPC",
  uts: "CLONE_NEWUTS",
  user: "CLONE_NEWUSER",
} as const;

/** The process beside a container. See {@link compileCreate}. */
export function emitReaper(c: Compilation): void {
  const { p, slots, labels } = c;
  const cleanUp = p.label("clean up");
  p.role("reaper");
  emitPrepare(c);
  emitOpenStdio(c);
  emitBindSources(c);
  emitClone(c);
  if (c.userNamespace) emitWriteIdMaps(c);
  emitAwaitReady(c);
  emitSupervise(c);
  emitRecordExit(c);
  p.mark(cleanUp);
  p.step({ action: "say that everything is gone" });
  emitReport(p, c.report, "ended");
  p.call("exit_group", [0]);

  p.mark(labels.reaperFailed);
  p.step({ action: "report a failure of the reaper, and end init" });
  const handled = p.label("handled");
  p.handler(handled);
  emitReport(p, c.report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.branch(slots.pidfd, "eq", 0, handled);
  p.call("pidfd_send_signal", [slots.pidfd, p.number(constants.signals.SIGKILL, "SIGKILL"), 0, 0], { ignore: "any" });
  p.call("waitid", [p.flags("P_PIDFD"), slots.pidfd, 0, p.flags("WEXITED|__WALL"), 0], { ignore: "any" });
  p.mark(handled);
  p.jump(cleanUp);
}

function emitPrepare(c: Compilation): void {
  const { p, slots, plan } = c;
  p.step({ action: "prepare the reaper" });
  p.set(slots.pidfd, 0);
  p.handler(c.labels.reaperFailed);
  const defaults = p.struct(SIGACTION, {});
  p.call("rt_sigaction", [p.number(constants.signals.SIGCHLD, "SIGCHLD"), defaults, 0, 8]);
  p.call("prctl", [p.flags("PR_SET_NAME"), p.text("orlop-reaper"), 0, 0, 0]);
  p.call("setsid", [], { ignore: ["EPERM"] });
  p.step({ action: `open state directory "${plan.stateDirectory}"` });
  const directory = p.flags("O_PATH|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text(plan.stateDirectory), directory, 0], { into: slots.state });
  p.step({ action: 'make control pipe "control"', why: "start, signal and resize reach this process through it" });
  const fifo = p.text("control");
  p.call("mknodat", [slots.state, fifo, p.number(0o10600, "S_IFIFO|0600"), 0]);
  p.call("openat", [slots.state, fifo, p.flags("O_RDWR|O_NONBLOCK|O_NOFOLLOW|O_CLOEXEC"), 0], { into: slots.control });
}

function emitClone(c: Compilation): void {
  const { p, slots, labels } = c;
  p.step({ action: "make a socket between reaper and init" });
  const pair = p.buffer(8, "{sync_reaper, sync_init}");
  p.call("socketpair", [p.flags("AF_UNIX"), p.flags("SOCK_SEQPACKET|SOCK_CLOEXEC"), 0, pair]);
  p.load(slots.syncReaper, pair, 4);
  p.load(slots.syncInit, pair.at(4), 4);
  const flags = ["CLONE_PIDFD"];
  for (const [type, flag] of Object.entries(CLONE_FLAGS)) {
    if (isNew(c, type as keyof typeof CLONE_FLAGS)) flags.push(flag);
  }
  p.step({
    action: "start init in its namespaces",
    field: "linux.namespaces",
    why: "one clone for all of them; the cgroup namespace comes after the cgroup",
  });
  const pidfd = p.buffer(8, "&pidfd");
  const args = p.struct(CLONE_ARGS, {
    flags: p.flags(flags.join("|")),
    pidfd,
    exit_signal: p.number(constants.signals.SIGCHLD, "SIGCHLD"),
  });
  p.call("clone3", [args, CLONE_ARGS.size], { into: slots.child });
  p.branch(slots.child, "eq", 0, labels.init);
  p.load(slots.pidfd, pidfd, 4);
  p.call("close", [slots.syncInit]);
}

/** Blocks until init says it is ready, or has died: then its end of the socket is closed. */
function emitAwaitReady(c: Compilation): void {
  const { p, slots } = c;
  const word = p.buffer(8, "<word>");
  const got = p.slot("got");
  p.step({ action: "wait until init is ready" });
  const dead = p.label("init died");
  p.call("read", [slots.syncReaper, word, 1], { into: got });
  p.branch(got, "eq", 0, dead);
  emitReport(p, c.report, "created", { value: slots.child });
  p.mark(dead);
}

/** The loop the reaper spends its life in. */
function emitSupervise(c: Compilation): void {
  const { p, slots, plan } = c;
  p.step({ action: "watch over init", why: "asleep in one ppoll until something happens" });
  const fds = p.buffer(4 * POLLFD.size, "[{pidfd, POLLIN}, {control, POLLIN}, {3, POLLHUP}, {sync_reaper, POLLHUP}]");
  const watch = (index: number, fd: Parameters<typeof p.store>[2], events: string): void => {
    p.store(fds.at(index * POLLFD.size), 4, fd);
    p.store(fds.at(index * POLLFD.size + POLLFD.fields.events.offset), 2, p.flags(events));
  };
  watch(0, slots.pidfd, "POLLIN");
  watch(1, slots.control, "POLLIN");
  watch(2, plan.request.detached ? p.number(-1) : CONTROL_FD, "0");
  watch(3, slots.syncReaper, "0");
  const loop = p.label("watch");
  const exited = p.label("init has ended");
  const ready = p.slot("ready");
  const on = (index: number, otherwise: Label): void => {
    p.load(ready, fds.at(index * POLLFD.size + POLLFD.fields.revents.offset), 2);
    p.branch(ready, "eq", 0, otherwise);
  };
  p.mark(loop);
  p.call("ppoll", [fds, 4, 0, 0, 8], { on: ["EINTR"], goto: loop });
  const notStarted = p.label("not started");
  on(3, notStarted);
  emitStarted(c, fds);
  p.mark(notStarted);
  const notExited = p.label("not ended");
  on(0, notExited);
  p.jump(exited);
  p.mark(notExited);
  const notOrphaned = p.label("not orphaned");
  on(2, notOrphaned);
  p.store(fds.at(2 * POLLFD.size), 4, p.number(-1));
  p.call("pidfd_send_signal", [slots.pidfd, p.number(constants.signals.SIGKILL, "SIGKILL"), 0, 0], {
    ignore: ["ESRCH"],
  });
  p.mark(notOrphaned);
  on(1, loop);
  emitCommand(c, loop);
  p.jump(loop);
  p.mark(exited);
}

/**
 * Init's end of the socket is closed: by exec, or because init died. A failed init has reported its failure before, so
 * that whoever listens can tell the two apart.
 */
function emitStarted(c: Compilation, fds: Pointer): void {
  const { p, slots } = c;
  p.store(fds.at(3 * POLLFD.size), 4, p.number(-1));
  emitReport(p, c.report, "started", { value: slots.child });
}

/** One record from the control pipe. */
function emitCommand(c: Compilation, loop: Label): void {
  const { p, slots } = c;
  const record = p.buffer(COMMAND_BYTES, "<command>");
  const kind = p.slot("command");
  const argument = p.slot("argument");
  p.call("read", [slots.control, record, COMMAND_BYTES], { on: ["EAGAIN", "EINTR"], goto: loop });
  p.load(kind, record, 4);
  p.load(argument, record.at(4), 4);
  const notStart = p.label("not start");
  p.branch(kind, "ne", COMMAND.start, notStart);
  p.call("write", [slots.syncReaper, record, 1], { ignore: "any" });
  p.jump(loop);
  p.mark(notStart);
  p.branch(kind, "ne", COMMAND.signal, loop);
  p.call("pidfd_send_signal", [slots.pidfd, argument, 0, 0], { ignore: "any" });
}

/** Writes the exit record under another name, renames it, and only then tells. */
function emitRecordExit(c: Compilation): void {
  const { p, slots } = c;
  p.step({ action: "record the exit", why: "durable before it is told: whoever asks later finds it" });
  const info = p.buffer(SIGINFO_BYTES, "{siginfo}");
  const time = p.struct(TIMESPEC, {});
  const value = p.slot("field");
  const file = p.slot("exit_file");
  const { fields } = REPORT;
  p.call("waitid", [
    p.flags("P_PIDFD"),
    slots.pidfd,
    info,
    p.flags("WEXITED|__WALL"),
    c.report.at(fields.rusage.offset),
  ]);
  p.call("clock_gettime", [p.flags("CLOCK_REALTIME"), time]);
  p.load(value, time, 8);
  p.store(c.report.at(fields.seconds.offset), 8, value);
  p.load(value, time.at(8), 8);
  p.store(c.report.at(fields.nanoseconds.offset), 8, value);
  p.load(value, info.at(SIGINFO_CODE_OFFSET), 4);
  p.store(c.report.at(fields.index.offset), 4, value);
  p.load(value, info.at(SIGINFO_STATUS_OFFSET), 4);
  p.store(c.report.at(fields.value.offset), 8, value);
  p.store(c.report.at(fields.kind.offset), 4, 6);
  const temporary = p.text("exit.new");
  const create = p.flags("O_WRONLY|O_CREAT|O_TRUNC|O_NOFOLLOW|O_CLOEXEC");
  p.call("openat", [slots.state, temporary, create, 0o600], { into: file });
  p.call("write", [file, c.report, REPORT.size]);
  p.call("renameat2", [slots.state, temporary, slots.state, p.text("exit"), 0]);
  p.call("unlinkat", [slots.state, p.text("control"), 0], { ignore: ["ENOENT"] });
  emitReport(p, c.report, "exited");
}
