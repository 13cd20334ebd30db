import { type Label, POLLFD, type Pointer, type Slot, type Value, WINSIZE } from "@orlop/kernel";
import type { PollName } from "./reaper.ts";
import type { Supervision } from "./supervision.ts";

/** Bytes moved at once between the terminal and the caller. */
const CHUNK_BYTES = 4096;

/** The reaper stands between the terminal and the caller's stdio, unless a console socket took the terminal away. */
export function relaysTerminal(s: Supervision): boolean {
  return s.terminal && s.stdio.consoleSocket === undefined;
}

interface TerminalPolls {
  watchMaster(fd: Value): void;
  watchInput(fd: Value): void;
}

export function terminalPolls(
  polls: { watch(index: number, fd: Value): void },
  master: number,
  input: number,
): TerminalPolls {
  return { watchMaster: (fd) => polls.watch(master, fd), watchInput: (fd) => polls.watch(input, fd) };
}

function output(s: Supervision): Value {
  return s.stdio.stdout === "inherit" ? 1 : s.slots.stdio[1];
}

function input(s: Supervision): Value {
  return s.stdio.stdin === "inherit" ? 0 : s.slots.stdio[0];
}

/** Moves what has come, in both directions, one chunk each. A side that has ended is no longer watched. */
export function emitRelayTerminal(
  s: Supervision,
  when: (name: PollName, body: () => void) => void,
  polls: TerminalPolls,
): void {
  const { p, slots } = s;
  const chunk = p.scratch(CHUNK_BYTES, "<chunk>");
  when("master", () => {
    const ended = p.label("terminal has ended");
    const done = p.label("output moved");
    p.handler(ended);
    emitMove(s, chunk, slots.master, output(s), ended, done);
    p.mark(ended);
    polls.watchMaster(p.number(-1));
    p.mark(done);
    p.handler(s.labels.reaperFailed);
  });
  when("input", () => {
    const ended = p.label("input has ended");
    const done = p.label("input moved");
    p.handler(ended);
    emitMove(s, chunk, input(s), slots.master, ended, done);
    p.mark(ended);
    polls.watchInput(p.number(-1));
    p.mark(done);
    p.handler(s.labels.reaperFailed);
  });
}

/**
 * One read and as many writes as it takes. EIO from a master means that no process has the terminal open.
 *
 * A write takes everything unless somebody made the caller's descriptor non-blocking; then what is left goes byte by
 * byte, because the machine cannot subtract, and this is rare.
 */
function emitMove(s: Supervision, chunk: Pointer, from: Value, to: Value, ended: Label, done: Label): void {
  const { p } = s;
  const length = p.slot("length");
  const written = p.slot("written");
  const at = p.slot("chunk_at");
  const address = p.slot("address");
  const again = p.label("read again");
  const rest = p.label("write the rest");
  const write = p.label("write");
  const full = p.label("not writable now");
  const wait = p.struct(POLLFD, { events: p.flags("POLLOUT") });
  const amount = p.slot("amount");
  p.mark(again);
  p.call("read", [from, chunk, CHUNK_BYTES], { into: length, on: ["EINTR"], goto: again });
  p.branch(length, "eq", 0, ended);
  p.set(at, 0);
  p.set(amount, length);
  p.jump(write);
  p.mark(full);
  p.store(wait, 4, to);
  p.call("ppoll", [wait, 1, 0, 0, 8], { ignore: "any" });
  p.mark(write);
  p.add(address, chunk, at);
  p.call("write", [to, address, amount], { into: written, on: ["EAGAIN", "EINTR"], goto: full });
  p.add(at, at, written);
  p.mark(rest);
  p.set(amount, 1);
  p.branch(at, "lt", length, write);
  p.jump(done);
}

export function emitResizeTerminal(s: Supervision, size: Slot): void {
  const { p, slots } = s;
  const winsize = p.struct(WINSIZE, {});
  p.store(winsize, 4, size);
  p.call("ioctl", [slots.master, p.flags("TIOCSWINSZ"), winsize], { ignore: "any" });
}

/** After the child's end: what it wrote last is still in the terminal. */
export function emitDrainTerminal(s: Supervision): void {
  const { p, slots } = s;
  const chunk = p.scratch(CHUNK_BYTES, "<chunk>");
  const drained = p.label("drained");
  const next = p.label("drain");
  p.step({ action: "pass on the terminal's last output" });
  p.call("fcntl", [slots.master, p.flags("F_SETFL"), p.flags("O_RDWR|O_NONBLOCK")], { on: "any", goto: drained });
  p.handler(drained);
  p.mark(next);
  emitMove(s, chunk, slots.master, output(s), drained, next);
  p.mark(drained);
  p.handler(s.labels.reaperFailed);
}
