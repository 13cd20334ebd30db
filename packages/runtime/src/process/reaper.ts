import { constants } from "node:os";
import {
  CLONE_ARGS,
  CONTROL_FD,
  type ConstantName,
  emitReport,
  type Label,
  POLLFD,
  type Pointer,
  REPORT,
  reportKind,
  SIGINFO_BYTES,
  SIGINFO_CODE_OFFSET,
  SIGINFO_STATUS_OFFSET,
  type Slot,
  TIMESPEC,
  type Value,
} from "@orlop/kernel";
import { COMMAND, COMMAND_BYTES } from "./control-command.ts";
import { emitGiveRlimits, givesRlimits } from "./rlimits.ts";
import { emitSendToSocket } from "./send-descriptor.ts";
import { emitStartTimer } from "./start-timer.ts";
import { type Supervision, WORD } from "./supervision.ts";
import {
  emitDrainTerminal,
  emitOutliveReaders,
  emitRelayTerminal,
  emitResizeTerminal,
  emitStartRelay,
  makeRelay,
  RELAY_POLLS,
  type RelayLoop,
  type RelayPoll,
  relaysTerminal,
} from "./terminal-relay.ts";

const SIGKILL = constants.signals.SIGKILL;

/** First steps of a reaper: its own signals and session, its directory, its control pipe. */
export function emitPrepareReaper(s: Supervision): void {
  const { p, slots } = s;
  p.role("reaper");
  p.step({ action: "prepare the reaper" });
  p.set(slots.pidfd, 0);
  p.set(slots.child, 0);
  p.handler(s.labels.reaperFailed);
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), p.buffer(8, "[]"), 0, 8]);
  p.set(p.slot("start_failed"), 0);
  p.set(p.slot("was_ready"), 0);
  if (s.exitsAsChild === true) p.set(p.slot("exit_status"), 1);
  p.set(slots.killed, 0);
  p.set(slots.cgroupsRemoved, 0);
  p.call("prctl", [p.flags("PR_SET_NAME"), p.text("orlop-reaper"), 0, 0, 0]);
  p.call("setsid", [], { ignore: ["EPERM"] });
  emitCloseOthers(s);
  p.step({ action: `open state directory "${s.stateDirectory}"` });
  const directory = p.flags("O_PATH|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text(s.stateDirectory), directory, 0], { into: slots.state });
  p.step({ action: 'make control pipe "control"', why: "start, signal and resize reach this process through it" });
  const fifo = p.text("control");
  p.call("mknodat", [slots.state, fifo, p.number(0o10600, "S_IFIFO|0600"), 0]);
  p.call("openat", [slots.state, fifo, p.flags("O_RDWR|O_NONBLOCK|O_NOFOLLOW|O_CLOEXEC"), 0], { into: slots.control });
  p.step({ action: "make a socket between reaper and child" });
  const pair = p.buffer(8, "{sync_reaper, sync_child}");
  p.call("socketpair", [p.flags("AF_UNIX"), p.flags("SOCK_SEQPACKET|SOCK_CLOEXEC"), 0, pair]);
  p.load(slots.syncReaper, pair, 4);
  p.load(slots.syncChild, pair.at(4), 4);
  if (s.endsWithMaker === true) emitFindMaker(s);
}

/** A process whose number is the parent's is the parent as long as that lives. */
function emitFindMaker({ p, slots, makerPid = 0 }: Supervision): void {
  const parent = p.slot("parent");
  const lives = p.label("the maker lives");
  p.step({ action: "find the process that this one is to end with" });
  const maker = p.given("maker", makerPid);
  p.call("pidfd_open", [maker, 0], { into: slots.maker });
  p.call("getppid", [], { into: parent });
  p.branch(parent, "eq", maker, lives);
  p.fail("ESRCH");
  p.mark(lives);
}

/** What its caller has open besides is nothing to it: a pipe that it held would keep somebody waiting for an end. */
function emitCloseOthers({ p, descriptors = [] }: Supervision): void {
  let first = CONTROL_FD + 1;
  for (const kept of [...descriptors].sort((a, b) => a - b)) {
    if (kept > first) p.call("close_range", [first, kept - 1, 0]);
    first = kept + 1;
  }
  p.call("close_range", [first, p.number(0xffff_ffff, "~0U"), 0]);
}

/** The clone of the child; it goes on at `labels.child`. `pidfd` is left where the kernel wrote it. */
export function emitCloneChild(s: Supervision, flags: readonly ConstantName[], cgroup: Slot | undefined): void {
  const { p, slots } = s;
  const pidfd = p.buffer(8, "&pidfd");
  const all = [...flags, "CLONE_PIDFD", ...(cgroup === undefined ? [] : ["CLONE_INTO_CGROUP"])];
  // A sibling gets the signal that its new parent has for the caller; clone3 refuses another one here.
  const sibling = flags.includes("CLONE_PARENT");
  const exitSignal = sibling ? 0 : p.number(constants.signals.SIGCHLD, "SIGCHLD");
  const args = p.struct(CLONE_ARGS, {
    flags: p.flags(all.join("|")),
    pidfd,
    exit_signal: exitSignal,
  });
  if (cgroup !== undefined) p.store(args.at(CLONE_ARGS.fields.cgroup.offset), 8, cgroup);
  p.call("clone3", [args, CLONE_ARGS.size], { into: slots.child });
  p.branch(slots.child, "eq", 0, s.labels.child);
  p.load(slots.pidfd, pidfd, 4);
  // The child's alone from here: its end tells that the child has executed, or died. A process in between needs it yet.
  if (!sibling) p.call("close", [slots.syncChild]);
}

interface Polls {
  readonly memory: Pointer;
  /** Sets the descriptor that an entry waits for; -1 for none. */
  watch(index: number, fd: Value): void;
}

/** Entries of the reaper's one ppoll. The terminal's come last, and only with one. */
const POLL = { pidfd: 0, control: 1, parent: 2, sync: 3, master: 4, input: 5, output: 6, room: 7 } as const;
type PollName = keyof typeof POLL;

/**
 * The loop that the reaper spends its life in, until the child has ended; or, where that is to be an orphan, until it is
 * ready (`startsOnCommand`: somebody else will start it) or started. From there on the memory of what it has executed
 * before, and of the child's part of the program, which is its last, is not needed.
 */
export function emitSupervise(s: Supervision, startsOnCommand: boolean, childCode?: Label): void {
  const { p, slots } = s;
  const begin = p.label("watching");
  p.mark(begin);
  p.step({ action: "watch over the child", why: "asleep in one ppoll until something happens" });
  const relay = relaysTerminal(s) ? makeRelay(s) : undefined;
  const timerAt = relay === undefined ? 4 : 4 + Object.keys(RELAY_POLLS).length;
  const count = s.timeLimitMs === undefined ? timerAt : timerAt + 1;
  const memory = p.buffer(
    count * POLLFD.size,
    relay === undefined ? "[pidfd, control, 3, sync]" : "[pidfd, control, 3, sync, master, stdin, stdout, master]",
  );
  const polls: Polls = { memory, watch: (index, fd) => p.store(memory.at(index * POLLFD.size), 4, fd) };
  const start = (index: number, fd: Value, events: string): void => {
    polls.watch(index, fd);
    p.store(memory.at(index * POLLFD.size + POLLFD.fields.events.offset), 2, p.flags(events));
  };
  const exited = p.label("the child has ended");
  const loop = p.label("watch");
  if (relay !== undefined) emitOutliveReaders(s);
  start(POLL.pidfd, slots.pidfd, "POLLIN");
  start(POLL.control, slots.control, "POLLIN");
  if (s.endsWithMaker === true) start(POLL.parent, slots.maker, "POLLIN");
  else start(POLL.parent, CONTROL_FD, "0");
  start(POLL.sync, slots.syncReaper, "POLLIN");
  if (relay !== undefined) {
    for (const [name, events] of Object.entries(RELAY_POLLS)) start(POLL[name as RelayPoll], p.number(-1), events);
  }
  if (s.timeLimitMs !== undefined) start(timerAt, p.number(-1), "POLLIN");
  p.mark(loop);
  p.call("ppoll", [memory, count, 0, 0, 8], { on: ["EINTR"], goto: loop });
  const whenAt = (index: number, name: string, body: () => void): void => {
    const ready = p.slot("ready");
    const not = p.label(`nothing from ${name}`);
    p.load(ready, memory.at(index * POLLFD.size + POLLFD.fields.revents.offset), 2);
    p.branch(ready, "eq", 0, not);
    body();
    p.mark(not);
  };
  const when = (name: PollName, body: () => void): void => whenAt(POLL[name], name, body);
  const relayLoop: RelayLoop = { watch: (name, fd) => polls.watch(POLL[name], fd), when };
  when("sync", () =>
    emitWord(s, polls, startsOnCommand, {
      onReady: () => relay !== undefined && emitStartRelay(s, relay, relayLoop),
      onStarted: () => {
        if (s.timeLimitMs !== undefined) polls.watch(timerAt, emitStartTimer(p, s.timeLimitMs));
        if (childCode !== undefined) emitForget(s, begin, childCode);
      },
    }),
  );
  if (relay !== undefined) {
    // Who has let go of the process may leave.
    emitRelayTerminal(s, relay, relayLoop, () => polls.watch(POLL.parent, p.number(-1)));
  }
  when("parent", () => {
    polls.watch(POLL.parent, p.number(-1));
    p.call("pidfd_send_signal", [slots.pidfd, p.number(SIGKILL, "SIGKILL"), 0, 0], { ignore: ["ESRCH"] });
  });
  if (s.timeLimitMs !== undefined) {
    whenAt(timerAt, "the timer", () => {
      polls.watch(timerAt, p.number(-1));
      p.set(slots.killed, 1);
      p.call("pidfd_send_signal", [slots.pidfd, p.number(SIGKILL, "SIGKILL"), 0, 0], { ignore: ["ESRCH"] });
    });
  }
  when("control", () => emitCommand(s));
  // What it said last is heard first: that is there by the time at which its end is seen, for ppoll looks in this order.
  when("pidfd", () => {
    p.load(p.slot("ready"), memory.at(POLL.sync * POLLFD.size + POLLFD.fields.revents.offset), 2);
    p.branch(p.slot("ready"), "eq", 0, exited);
  });
  p.jump(loop);
  if (givesRlimits(s)) {
    p.mark(s.labels.limited);
    emitGiveRlimits(s, loop);
  }
  p.mark(exited);
  if (relay !== undefined) emitDrainTerminal(s, relay);
}

/** What else is to be done when the child says so. */
interface Moments {
  readonly onReady: () => void;
  readonly onStarted: () => void;
}

/**
 * A word from the child, or the end of its socket: exec has closed it, or the child died. A child that failed has
 * reported its failure before, so that whoever listens can tell the two apart.
 */
function emitWord(s: Supervision, polls: Polls, startsOnCommand: boolean, { onReady, onStarted }: Moments): void {
  const { p, slots } = s;
  const word = p.buffer(REPORT.size, "<word>");
  const got = p.slot("got");
  const failed = p.slot("start_failed");
  const wasReady = p.slot("was_ready");
  const started = p.label("started");
  const failure = p.label("failed");
  const ready = p.label("ready");
  const done = p.label("heard");
  // A reset is an end, too: of a child that died before it took a word of ours.
  p.call("read", [slots.syncReaper, word, REPORT.size], { into: got, on: ["ECONNRESET"], goto: started });
  p.branch(got, "eq", 0, started);
  p.branch(got, "eq", REPORT.size, failure);
  p.load(got, word, 1);
  p.branch(got, "eq", WORD.ready, ready);
  if (givesRlimits(s)) p.branch(got, "eq", WORD.limited, s.labels.limited);
  emitReport(p, s.report, "paused", { index: got, value: slots.child });
  p.branch(got, "ne", WORD.starting, done);
  // Who starts the container need not be who hears this.
  emitKeep(s, "starting", s.report);
  p.jump(done);
  p.mark(ready);
  p.set(wasReady, 1);
  onReady();
  // Until here nobody could find what was made: it ends with its maker even when it is to outlive it.
  if (s.detached) polls.watch(POLL.parent, p.number(-1));
  p.store(s.report.at(REPORT.fields.kind.offset), 4, p.number(reportKind("created"), "created"));
  p.store(s.report.at(REPORT.fields.value.offset), 8, slots.child);
  // Whoever has this pid and has been there by now is the child: see PinnedProcess.
  p.call("clock_gettime", [p.flags("CLOCK_BOOTTIME"), s.report.at(REPORT.fields.seconds.offset, TIMESPEC.size)]);
  emitKeep(s, "created", s.report);
  emitReport(p, s.report, "created", { value: slots.child });
  p.jump(s.orphaned && startsOnCommand ? s.labels.left : done);
  p.mark(failure);
  p.set(failed, 1);
  emitKeep(s, "failed", word);
  p.call("sendto", [CONTROL_FD, word, REPORT.size, p.flags("MSG_NOSIGNAL"), 0, 0], { ignore: "any" });
  p.jump(done);
  p.mark(started);
  polls.watch(POLL.sync, p.number(-1));
  p.branch(failed, "ne", 0, done);
  p.branch(wasReady, "eq", 0, done);
  emitMark(s, "started");
  emitReport(p, s.report, "started", { value: slots.child });
  if (s.orphaned) p.jump(s.labels.left);
  else onStarted();
  p.mark(done);
}

/** What a reaper that stays keeps is what an idle container costs. */
function emitForget({ p, labels }: Supervision, begin: Label, childCode: Label): void {
  p.step({ action: "give back the memory of what is done" });
  p.forgetStarter(labels.reaperFailed);
  p.forget({ from: undefined, to: begin, handler: labels.reaperFailed });
  p.forget({ from: childCode, to: undefined, handler: labels.reaperFailed });
}

/** Keeps a report as a file of the state directory; under another name until it is whole. */
function emitKeep(s: Supervision, name: string, report: Pointer): void {
  const { p, slots } = s;
  const file = p.slot("record");
  const create = p.flags("O_WRONLY|O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC");
  const temporary = p.text(`${name}.new`);
  p.call("openat", [slots.state, temporary, create, 0o600], { into: file });
  p.call("write", [file, report, REPORT.size]);
  p.call("close", [file]);
  p.call("renameat2", [slots.state, temporary, slots.state, p.text(name), 0]);
}

/** An empty file that says so. */
function emitMark(s: Supervision, name: string): void {
  s.p.call("mknodat", [s.slots.state, s.p.text(name), s.p.number(0o100600, "S_IFREG|0600"), 0], { ignore: ["EEXIST"] });
}

/** One record from the control pipe. */
function emitCommand(s: Supervision): void {
  const { p, slots } = s;
  const record = p.buffer(COMMAND_BYTES, "<command>");
  const kind = p.slot("command");
  const argument = p.slot("argument");
  const done = p.label("command done");
  p.call("read", [slots.control, record, COMMAND_BYTES], { on: ["EAGAIN", "EINTR"], goto: done });
  p.load(kind, record, 4);
  p.load(argument, record.at(4), 4);
  const on = (command: keyof typeof COMMAND, body: () => void): void => {
    const not = p.label(`not ${command}`);
    p.branch(kind, "ne", p.number(COMMAND[command], command), not);
    body();
    p.jump(done);
    p.mark(not);
  };
  on("start", () => p.call("write", [slots.syncReaper, record, 1], { ignore: "any" }));
  on("signal", () => {
    const send = p.label("send");
    p.branch(argument, "ne", p.number(SIGKILL, "SIGKILL"), send);
    p.set(slots.killed, 1);
    p.mark(send);
    p.call("pidfd_send_signal", [slots.pidfd, argument, 0, 0], { ignore: "any" });
  });
  if (relaysTerminal(s)) on("resize", () => emitResizeTerminal(s, argument));
  p.mark(done);
}

/** Writes the exit record under another name, renames it, and only then tells. */
export function emitRecordExit(s: Supervision): void {
  const { p, slots, report } = s;
  const info = p.buffer(SIGINFO_BYTES, "{siginfo}");
  const time = p.struct(TIMESPEC, {});
  const value = p.slot("field");
  const file = p.slot("exit_file");
  const { fields } = REPORT;
  p.step({ action: "record the exit", why: "kept before it is told: whoever asks later finds it" });
  const usage = report.at(fields.rusage.offset);
  // Not reaped yet: as long as there is no record, the pid is the child's and nobody else's.
  p.call("waitid", [p.flags("P_PIDFD"), slots.pidfd, info, p.flags("WEXITED|WNOWAIT|__WALL"), usage]);
  p.call("clock_gettime", [p.flags("CLOCK_REALTIME"), time]);
  const copy = (from: Pointer, width: 4 | 8, to: number, toWidth: 4 | 8): void => {
    p.load(value, from, width);
    p.store(report.at(to), toWidth, value);
  };
  copy(time, 8, fields.seconds.offset, 8);
  copy(time.at(8), 8, fields.nanoseconds.offset, 8);
  copy(info.at(SIGINFO_CODE_OFFSET), 4, fields.index.offset, 4);
  copy(info.at(SIGINFO_STATUS_OFFSET), 4, fields.value.offset, 8);
  if (s.exitsAsChild === true) emitExitStatus(s, info);
  p.store(report.at(fields.kind.offset), 4, p.number(reportKind("exited"), "exited"));
  const temporary = p.text("exit.new");
  const create = p.flags("O_WRONLY|O_CREAT|O_TRUNC|O_NOFOLLOW|O_CLOEXEC");
  p.call("openat", [slots.state, temporary, create, 0o600], { into: file });
  p.call("write", [file, report, REPORT.size]);
  p.call("renameat2", [slots.state, temporary, slots.state, p.text("exit"), 0]);
  p.call("waitid", [p.flags("P_PIDFD"), slots.pidfd, 0, p.flags("WEXITED|__WALL"), 0]);
  emitReport(p, report, "exited");
}

/** As a shell gives it: 128 and the number of the signal that ended the child, or its own. */
function emitExitStatus({ p }: Supervision, info: Pointer): void {
  const code = p.slot("field");
  const status = p.slot("exit_status");
  const own = p.label("its own status");
  p.load(code, info.at(SIGINFO_CODE_OFFSET), 4);
  p.load(status, info.at(SIGINFO_STATUS_OFFSET), 4);
  p.branch(code, "eq", p.number(1, "CLD_EXITED"), own);
  p.add(status, status, 128);
  p.mark(own);
}

/** The end of a reaper, reached from success and failure alike; `cleanUp` removes what the reaper made. */
export function emitEndReaper(s: Supervision, cleanUp: () => void): void {
  const { p, slots } = s;
  const end = p.label("end");
  emitCleanUp(s, cleanUp);
  if (s.orphaned) {
    p.jump(end);
    p.mark(s.labels.left);
    p.step({ action: "leave the child to the caller" });
    p.handler(end);
    if (s.pidfdSocket !== undefined) emitSendToSocket(p, s.pidfdSocket, slots.pidfd, "pidfd");
    emitCleanUp(s, () => {});
  }
  p.mark(end);
  p.step({ action: "say that everything is gone" });
  emitReport(p, s.report, "ended", { index: 0, value: slots.cgroupsRemoved });
  p.call("exit_group", [s.exitsAsChild === true ? p.slot("exit_status") : 0]);

  p.mark(s.labels.reaperFailed);
  p.step({ action: "report a failure of the reaper, and end the child" });
  const handled: Label = p.label("handled");
  p.handler(handled);
  emitReport(p, s.report, "failed", { index: p.failedIndex, value: p.failedErrno });
  emitKillChild(s, handled);
  p.mark(handled);
  p.handler(end);
  emitCleanUp(s, cleanUp);
  p.jump(end);
}

/** Ends the child, whose pid nobody else can get before it has been waited for; an exec's is known by its pidfd only. */
function emitKillChild({ p, slots }: Supervision, none: Label): void {
  const byDescriptor = p.label("by its descriptor");
  const kill = p.number(SIGKILL, "SIGKILL");
  p.branch(slots.pidfd, "ne", 0, byDescriptor);
  p.branch(slots.child, "eq", 0, none);
  p.call("kill", [slots.child, kill], { ignore: "any" });
  p.call("waitid", [p.flags("P_PID"), slots.child, 0, p.flags("WEXITED|__WALL"), 0], { ignore: "any" });
  p.jump(none);
  p.mark(byDescriptor);
  p.call("pidfd_send_signal", [slots.pidfd, kill, 0, 0], { ignore: "any" });
  p.call("waitid", [p.flags("P_PIDFD"), slots.pidfd, 0, p.flags("WEXITED|__WALL"), 0], { ignore: "any" });
}

function emitCleanUp(s: Supervision, cleanUp: () => void): void {
  s.p.call("unlinkat", [s.slots.state, s.p.text("control"), 0], { ignore: "any" });
  cleanUp();
}
