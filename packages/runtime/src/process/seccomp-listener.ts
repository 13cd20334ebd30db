import { constants } from "node:os";
import { OrlopError, type State } from "@orlop/core";
import {
  CONTROL_FD,
  emitConnect,
  emitDecimal,
  emitReport,
  emitSendWithDescriptor,
  PID_DIGITS_MAX,
  type Pointer,
  type ProgramBuilder,
  reportBuffer,
  type SeccompProgram,
  type Slot,
  socketPathProblem,
} from "@orlop/kernel";
import { processStateText } from "./container-process-state.ts";
import type { Supervision } from "./supervision.ts";

const FIELD = "linux.seccomp.listenerPath";

/** A number on the socket between courier and child: a descriptor, or an errno, 0 for none. */
const NUMBER_BYTES = 8;

/** Descriptors of the courier, which has no others from 4 up. */
const PIDFD = 200;
const CHILD = 201;

/** A filter whose notifications somebody wants. */
type ListenedProgram = SeccompProgram & { readonly listener: NonNullable<SeccompProgram["listener"]> };

function listens(seccomp: SeccompProgram | undefined): seccomp is ListenedProgram {
  return seccomp?.listener !== undefined;
}

/** A path that no socket can have is refused before anything is made. */
export function checkListener(seccomp: SeccompProgram | undefined): void {
  if (!listens(seccomp)) return;
  const { path } = seccomp.listener;
  const problem = socketPathProblem(path);
  if (problem !== undefined)
    throw new OrlopError("invalid", `Cannot use listener "${path}": ${problem}`, { field: FIELD });
}

function ends(p: ProgramBuilder): { readonly courier: Slot; readonly child: Slot } {
  return { courier: p.slot("courier_end"), child: p.slot("courier_child_end") };
}

/** In the reaper, before the child is there: the socket by which the child and its courier know each other. */
export function emitMakeCourierSocket({ p }: Supervision, seccomp: SeccompProgram | undefined): void {
  if (!listens(seccomp)) return;
  p.step({ action: "make a socket between child and courier", field: FIELD });
  const pair = p.buffer(8, "{courier_end, courier_child_end}");
  p.call("socketpair", [p.flags("AF_UNIX"), p.flags("SOCK_SEQPACKET|SOCK_CLOEXEC"), 0, pair]);
  p.load(ends(p).courier, pair, 4);
  p.load(ends(p).child, pair.at(4), 4);
}

/**
 * In the reaper, once it has the child's pidfd: starts the courier, a process that connects to the listener's socket and
 * takes the descriptor of the notifications there.
 *
 * It is not the child's to send, because its filter may stop any call of the child's until somebody answers. So the child
 * only writes the descriptor's number, and waits; the courier fetches it by pidfd_getfd(2). It is not the reaper's to
 * send either, because a listener may keep whoever connects waiting.
 */
export function emitStartCourier(s: Supervision, seccomp: SeccompProgram | undefined, state: State): void {
  if (!listens(seccomp)) return;
  const { p } = s;
  const { courier, child } = ends(p);
  const pid = p.slot("courier_pid");
  const started = p.label("courier is started");
  p.step({ action: "start a courier for the seccomp listener", field: FIELD });
  p.call("clone", [p.number(constants.signals.SIGCHLD, "SIGCHLD"), 0, 0, 0, 0], { into: pid });
  p.branch(pid, "ne", 0, started);
  p.role("courier");
  emitCourier(s, seccomp, state);
  p.role("reaper");
  p.mark(started);
  p.step({ action: "leave the socket to child and courier", field: FIELD });
  p.call("close", [courier]);
  p.call("close", [child]);
}

function emitCourier(s: Supervision, { listener }: ListenedProgram, state: State): void {
  const { p, slots } = s;
  const report = reportBuffer(p);
  const socket = p.slot("listener_socket");
  const number = p.slot("number");
  const failed = p.label("courier failed");
  const unconnected = p.label("not connected");
  const word = p.buffer(NUMBER_BYTES, "<number>");
  const answer = (value: Slot | 0): void => {
    p.store(word, NUMBER_BYTES, value);
    p.call("write", [CHILD, word, NUMBER_BYTES]);
  };
  /** The end of the socket: the child was ended, or has failed and said so. */
  const hear = (): void => {
    const got = p.slot("got");
    const heard = p.label("heard");
    p.call("read", [CHILD, word, NUMBER_BYTES], { into: got });
    p.branch(got, "ne", 0, heard);
    p.call("exit_group", [0]);
    p.mark(heard);
  };
  p.step({ action: "wait for the child to ask for its listener", field: FIELD });
  p.handler(failed);
  p.call("prctl", [p.flags("PR_SET_NAME"), p.text("orlop-courier"), 0, 0, 0]);
  p.call("dup3", [slots.pidfd, PIDFD, p.flags("O_CLOEXEC")]);
  p.call("dup3", [ends(p).courier, CHILD, p.flags("O_CLOEXEC")]);
  p.call("close_range", [CONTROL_FD + 1, PIDFD - 1, 0]);
  p.call("close_range", [CHILD + 1, p.number(0xffff_ffff, "~0U"), 0]);
  hear();
  p.step({ action: `connect to listener "${listener.path}"`, field: FIELD });
  p.handler(unconnected);
  emitConnect(p, listener.path, socket, "SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK");
  p.handler(failed);
  answer(0);
  hear();
  p.step({ action: "take the descriptor of the filter's notifications", field: FIELD });
  p.load(number, word, NUMBER_BYTES);
  p.call("pidfd_getfd", [PIDFD, number, 0], { into: number });
  emitSendState(s, socket, number, state, listener);
  answer(0);
  p.call("exit_group", [0]);
  p.mark(unconnected);
  p.step({ action: "tell the child why there is no listener", field: FIELD });
  answer(p.failedErrno);
  p.call("exit_group", [0]);
  p.mark(failed);
  p.step({ action: "report a failure of the courier, and end the child", field: FIELD });
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  // Filtered by now: it may not get as far as ending by itself.
  p.call("pidfd_send_signal", [PIDFD, p.number(constants.signals.SIGKILL, "SIGKILL"), 0, 0], { ignore: "any" });
  p.call("exit_group", [0]);
}

function emitSendState(
  s: Supervision,
  socket: Slot,
  fd: Slot,
  state: State,
  { path, metadata, stateVersion }: ListenedProgram["listener"],
): void {
  const { p, slots } = s;
  const { text, pidOffsets } = processStateText(state, metadata, stateVersion);
  const sent = p.slot("sent");
  const whole = p.label("sent it all");
  p.step({
    action: `send the container process state to "${path}"`,
    field: FIELD,
    why: 'config-linux.md, "The Container Process State"',
  });
  const json = p.bytes(text, "<container process state>");
  emitDecimal(
    p,
    slots.child,
    pidOffsets.map((offset) => json.at(offset, PID_DIGITS_MAX)),
  );
  emitSendWithDescriptor(p, socket, fd, { at: json, length: text.length }, sent);
  p.branch(sent, "eq", text.length, whole);
  p.fail("EMSGSIZE");
  p.mark(whole);
}

/** In the child, before its filter is in force: has the courier connect. */
export function emitAskCourier({ p }: Supervision, seccomp: SeccompProgram): void {
  if (!listens(seccomp)) return;
  const { courier, child } = ends(p);
  const error = p.slot("listener_error");
  const ready = p.label("listener is there");
  const word = p.buffer(NUMBER_BYTES, "<errno>");
  p.step({ action: `use seccomp listener "${seccomp.listener.path}"`, field: FIELD });
  p.call("close", [courier]);
  p.call("write", [child, p.text("."), 1]);
  emitHearCourier(p, child, word);
  p.load(error, word, NUMBER_BYTES);
  p.branch(error, "eq", 0, ready);
  p.fail(error);
  p.mark(ready);
}

/**
 * In the child, under its filter: gives the courier the number of the descriptor, and goes on when it has a copy. No more
 * than a write and a read, as under runc: a rule that notifies of write(2) is refused by the compiler of filters, and
 * a read that notifies is answered once the listener is there.
 */
export function emitHandOverListener({ p }: Supervision, seccomp: SeccompProgram, fd: Slot): void {
  if (!listens(seccomp)) return;
  const { child } = ends(p);
  const word = p.buffer(NUMBER_BYTES, "<number>");
  p.step({ action: `hand over the filter's notifications to "${seccomp.listener.path}"`, field: FIELD });
  p.store(word, NUMBER_BYTES, fd);
  p.call("write", [child, word, NUMBER_BYTES]);
  emitHearCourier(p, child, word);
  // With a copy left here nobody would notice that the listener is gone.
  p.call("close", [fd]);
}

/** The end of the socket: the courier was killed, or has said itself what it failed at. */
function emitHearCourier(p: ProgramBuilder, socket: Slot, word: Pointer): void {
  const got = p.slot("got");
  const heard = p.label("the courier has answered");
  p.call("read", [socket, word, NUMBER_BYTES], { into: got });
  p.branch(got, "ne", 0, heard);
  p.fail("EPIPE");
  p.mark(heard);
}
