import { constants } from "node:os";
import type { CreateRequest, RootFilesystem } from "@orlop/core";
import {
  CONTROL_FD,
  type Label,
  POLLFD,
  type Pointer,
  type Program,
  SIGINFO_BYTES,
  SIGINFO_CODE_OFFSET,
  SIGINFO_STATUS_OFFSET,
  type Slot,
  TIMESPEC,
  type Value,
} from "@orlop/kernel";
import { COMMAND_BYTES } from "../process/control-command.ts";
import { emitEndReaper, emitPrepareReaper, emitRecordExit, emitSupervise } from "../process/reaper.ts";
import { emitOpenStdio } from "../process/stdio.ts";
import { type Supervision, type SupervisionOptions, superviseIn, WORD } from "../process/supervision.ts";
import { checkConsoleSocket } from "../process/terminal.ts";
import { emitStartCommand, type HostCommand } from "./host-command.ts";
import { emitHostedRoot } from "./hosted-root.ts";
import {
  checkTerminalSocket,
  emitAcceptTerminal,
  emitExpectTerminal,
  emitListenForTerminal,
  takesTerminal,
} from "./terminal-socket.ts";

/** A container, or an exec in one, that another program makes. */
export interface ForeignPlan extends SupervisionOptions {
  /** Makes it, leaves its process behind, and ends. */
  readonly make: HostCommand;
  /** Where the pid of that process is: in the file {@link PID_FILE} of the state directory; or it is the only one left behind. */
  readonly pid: "file" | "only";
  /** Removes it whatever its state; run where nobody else is left to do so. */
  readonly remove: HostCommand | undefined;
  /** The root file system to put together, for the request, at a directory; absent: there is nothing to mount. */
  readonly root:
    | { readonly request: CreateRequest; readonly rootfs: RootFilesystem; readonly path: string }
    | undefined;
  /** Directories of the host's where something is mounted that the commands must not see. */
  readonly hidden: readonly string[];
}

export const PID_FILE = "pid";

/**
 * Compiles a foreign container into the program that looks after it.
 *
 * One process runs it, the *reaper*. It becomes a subreaper, so that what the maker leaves behind is its child; runs the
 * maker; and from then on is like the reaper of our own containers: it waits, records the exit, relays the terminal, and
 * ends what must not outlive its maker. What it mounts is in a mount namespace of its own, and gone with it and the
 * container, however they end.
 */
export function compileForeign(plan: ForeignPlan): Program {
  const s = superviseIn(plan);
  const { p } = s;
  const made = p.slot("made");
  checkConsoleSocket(s);
  checkTerminalSocket(s);
  p.role("reaper");
  p.step({ action: "prepare the reaper" });
  p.set(made, 0);
  emitPrepareReaper(s);
  emitOwnMounts(s, plan);
  emitOpenStdio(s);
  if (takesTerminal(s)) emitListenForTerminal(s);
  emitMake(s, plan);
  emitAdopt(s, plan);
  if (takesTerminal(s)) emitExpectTerminal(s);
  p.step({ action: "tell that it is made" });
  p.call("write", [s.slots.syncChild, p.bytes(Buffer.from([WORD.ready]), "ready"), 1]);
  emitSupervise(s, true);
  emitRecordExit(s);
  p.set(made, MADE.ended);
  emitEndReaper(s, () => emitRemove(s, plan));
  return p.build();
}

/** How far the making has come, for whoever cleans up. */
const MADE = { begun: 1, ended: 2 } as const;

function emitOwnMounts(s: Supervision, plan: ForeignPlan): void {
  const { p } = s;
  if (plan.root === undefined && plan.hidden.length === 0) return;
  p.step({ action: "make a mount namespace", why: "what is mounted here is gone when its last process is" });
  p.call("unshare", [p.flags("CLONE_NEWNS")]);
  p.call("mount", [0, p.text("/"), 0, p.flags("MS_REC|MS_SLAVE"), 0]);
  for (const path of plan.hidden) {
    p.step({ action: `hide "${path}"` });
    p.call("umount2", [p.text(path), p.flags("MNT_DETACH")]);
  }
  if (plan.root !== undefined) emitHostedRoot(s, plan.root);
}

/**
 * Runs the maker to its end. When somebody asks for its end, or nobody is left to ask, it may finish what it does, as long
 * as that does not take too long: what it has made by half, nobody could remove.
 */
function emitMake(s: Supervision, { make }: ForeignPlan): void {
  const { p, slots } = s;
  const command = p.slot("command");
  const pidfd = p.slot("command_pidfd");
  p.step({ action: "adopt orphans", why: "the container is the maker's child, and the maker ends" });
  p.call("prctl", [p.flags("PR_SET_CHILD_SUBREAPER"), 1, 0, 0, 0]);
  p.set(p.slot("made"), MADE.begun);
  emitStartCommand(s, make, command);
  p.call("pidfd_open", [command, 0], { into: pidfd });
  const ended = p.label("the maker has ended");
  const loop = p.label("watch the maker");
  const ready = p.slot("ready");
  const unwanted = p.slot("unwanted");
  const polls = p.buffer(4 * POLLFD.size, "[pidfd, control, 3, listener]");
  const { events, revents } = POLLFD.fields;
  const watch = (index: number, fd: Value): void => p.store(polls.at(index * POLLFD.size), 4, fd);
  const when = (index: number, body: () => void): void => {
    const not = p.label("nothing from it");
    p.load(ready, polls.at(index * POLLFD.size + revents.offset), 2);
    p.branch(ready, "eq", 0, not);
    body();
    p.mark(not);
  };
  const nobody = p.number(-1);
  const listener: Slot | undefined = takesTerminal(s) ? p.slot("listener") : undefined;
  for (const [index, fd] of [pidfd, slots.control, CONTROL_FD, listener ?? nobody].entries()) {
    watch(index, fd);
    p.store(polls.at(index * POLLFD.size + events.offset), 2, p.flags(index === 2 ? "0" : "POLLIN"));
  }
  p.set(unwanted, 0);
  p.mark(loop);
  emitAwaitMaker(s, polls, loop);
  when(1, () => {
    p.call("read", [slots.control, p.buffer(COMMAND_BYTES, "<command>"), COMMAND_BYTES], { ignore: "any" });
    p.set(unwanted, 1);
  });
  when(2, () => {
    watch(2, nobody);
    p.set(unwanted, 1);
  });
  if (listener !== undefined) {
    when(3, () => {
      watch(3, nobody);
      emitAcceptTerminal(s);
    });
  }
  when(0, () => p.jump(ended));
  p.jump(loop);
  p.mark(ended);
  emitExpectSuccess(s, make, command);
}

/** How long a maker may go on whose container nobody wants any more. */
const UNWANTED_TIME_MAX_SECONDS = 10;

/** Sleeps until something happens; an unwanted maker is killed when that takes too long. */
function emitAwaitMaker({ p }: Supervision, polls: Pointer, again: Label): void {
  const inTime = p.label("in time");
  const awake = p.label("awake");
  const ready = p.slot("ready");
  const limit = p.struct(TIMESPEC, { tv_sec: UNWANTED_TIME_MAX_SECONDS });
  p.branch(p.slot("unwanted"), "eq", 1, inTime);
  p.call("ppoll", [polls, 4, 0, 0, 8], { on: ["EINTR"], goto: again });
  p.jump(awake);
  p.mark(inTime);
  p.call("ppoll", [polls, 4, limit, 0, 8], { into: ready, on: ["EINTR"], goto: again });
  p.branch(ready, "ne", 0, awake);
  p.set(p.slot("unwanted"), 2);
  p.call("kill", [p.slot("command"), p.number(constants.signals.SIGKILL, "SIGKILL")], { ignore: "any" });
  p.jump(again);
  p.mark(awake);
}

/** Takes the command's status; `ECHILD` unless it is 0. */
function emitExpectSuccess({ p }: Supervision, make: HostCommand, command: Slot): void {
  const info = p.buffer(SIGINFO_BYTES, "{siginfo}");
  const how = p.slot("how");
  const failed = p.label("the maker failed");
  const success = p.label("the maker succeeded");
  p.call("close", [p.slot("command_pidfd")]);
  p.call("waitid", [p.flags("P_PID"), command, info, p.flags("WEXITED|__WALL"), 0]);
  p.load(how, info.at(SIGINFO_CODE_OFFSET), 4);
  p.branch(how, "ne", p.number(1, "CLD_EXITED"), failed);
  p.load(how, info.at(SIGINFO_STATUS_OFFSET), 4);
  p.branch(how, "eq", 0, success);
  p.mark(failed);
  p.step({ action: `see success of "${make.argv[0]}"`, field: COMMAND_FAILED });
  p.fail("ECHILD");
  p.mark(success);
}

/** Stands in the place of a config field: what failed is the other program, which has said more in its log. */
export const COMMAND_FAILED = "command";

const PID_DIGITS_MAX = 10;

/** Learns the pid; then the process, which is our child by now, is known by descriptor. */
function emitAdopt(s: Supervision, { pid: where }: ForeignPlan): void {
  const { p, slots } = s;
  const file = p.slot("file");
  const text = p.buffer(PID_DIGITS_MAX + 6, "<pid>");
  const [at, digit, double, pid] = [p.slot("at"), p.slot("digit"), p.slot("double"), slots.child];
  const next = p.label("next digit");
  const done = p.label("no more digits");
  p.step({ action: "read the pid of the process that was left behind" });
  const path = p.text(where === "file" ? PID_FILE : "/proc/thread-self/children");
  p.call("openat", [slots.state, path, p.flags("O_RDONLY|O_NOFOLLOW|O_CLOEXEC"), 0], { into: file });
  p.call("read", [file, text, PID_DIGITS_MAX]);
  p.call("close", [file]);
  p.set(at, 0);
  p.set(pid, 0);
  p.mark(next);
  p.load(digit, text, 1, at);
  p.branch(digit, "lt", p.number(0x30, "'0'"), done);
  p.branch(digit, "ge", p.number(0x3a, "':'"), done);
  p.add(digit, digit, p.number(-0x30));
  // Ten times as much: eight times and twice; the machine can only add.
  p.add(double, pid, pid);
  p.add(pid, double, double);
  p.add(pid, pid, pid);
  p.add(pid, pid, double);
  p.add(pid, pid, digit);
  p.add(at, at, 1);
  p.branch(at, "lt", PID_DIGITS_MAX, next);
  p.mark(done);
  p.step({ action: "take the process that was left behind" });
  p.call("pidfd_open", [pid, 0], { into: slots.pidfd });
  // What the container itself orphans, where it has no pid namespace, is not ours to wait for.
  p.call("prctl", [p.flags("PR_SET_CHILD_SUBREAPER"), 0, 0, 0, 0]);
  const wanted = p.label("it is wanted");
  p.step({ action: "see that what was made is wanted" });
  p.branch(p.slot("unwanted"), "eq", 0, wanted);
  p.fail("ECANCELED");
  p.mark(wanted);
}

/** At the end: where the making failed half-way, or the maker is gone and nobody was to outlive it, removes what is left. */
function emitRemove(s: Supervision, { remove }: ForeignPlan): void {
  const { p } = s;
  if (remove === undefined) return;
  const made = p.slot("made");
  const needed = p.label("remove what is left");
  const done = p.label("nothing to remove");
  const command = p.slot("command");
  const gone = p.slot("ready");
  const polls = p.buffer(POLLFD.size, "[3]");
  p.branch(made, "eq", 0, done);
  p.branch(made, "eq", MADE.begun, needed);
  if (s.detached) {
    p.jump(done);
  } else {
    p.store(polls, 4, CONTROL_FD);
    p.call("ppoll", [polls, 1, p.buffer(16, "{0}"), 0, 8]);
    p.load(gone, polls.at(POLLFD.fields.revents.offset), 2);
    p.branch(gone, "eq", 0, done);
  }
  p.mark(needed);
  emitStartCommand(s, remove, command);
  p.call("waitid", [p.flags("P_PID"), command, 0, p.flags("WEXITED|__WALL"), 0], { ignore: "any" });
  p.mark(done);
}
