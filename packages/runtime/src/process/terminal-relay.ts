import { constants } from "node:os";
import { DETACH_KEYS_MAX } from "@orlop/core";
import { CONTROL_FD, type Label, POLLFD, type Pointer, type Slot, TIMESPEC, type Value, WINSIZE } from "@orlop/kernel";
import { COMMAND, COMMAND_BYTES } from "./control-command.ts";
import { emitLetGo, emitSift, type KeySieve, makeKeySieve } from "./detach-keys.ts";
import type { Supervision } from "./supervision.ts";

/** Bytes moved at once between the terminal and the caller. No more than a pipe takes without waiting once it says so. */
const CHUNK_BYTES = 4096;

/** The reaper stands between the terminal and the caller's stdio, unless a console socket took the terminal away. */
export function relaysTerminal(s: Supervision): boolean {
  return s.terminal && s.stdio.consoleSocket === undefined;
}

/** What the relay waits for: each side of the terminal and each of the caller's descriptors, only while it is of use. */
export const RELAY_POLLS = {
  /** The terminal has said something. */
  master: "POLLIN",
  /** The caller has typed something. */
  input: "POLLIN",
  /** The caller takes more of what the terminal said. */
  output: "POLLOUT",
  /** The terminal takes more of what the caller typed. */
  room: "POLLOUT",
} as const;
export type RelayPoll = keyof typeof RELAY_POLLS;

/** How a relay is part of the reaper's loop. */
export interface RelayLoop<Poll extends string = RelayPoll> {
  /** Sets the descriptor that is waited for. */
  watch(name: Poll, fd: Value): void;
  /** What happens when it is ready. */
  when(name: Poll, body: () => void): void;
}

/** One direction: what was read and is not yet written lies from `at` up to `length` of the chunk. */
export interface Direction<Poll extends string = RelayPoll> {
  readonly from: Value;
  readonly to: Value;
  readonly readable: Poll;
  readonly writable: Poll;
  readonly chunk: Pointer;
  readonly at: Slot;
  readonly length: Slot;
  /** What happens when `from` has ended, and all that came from it is written. */
  readonly onEnd?: () => void;
  /** What happens when nobody takes what is written to `to`; absent: it is dropped. */
  readonly onGone?: () => void;
  /** Finds keys in what comes; from the last of them on nothing comes any more, and `onKeys` happens. */
  readonly sieve?: KeySieve & { readonly from: Slot; readonly onKeys: () => void };
}

const NOBODY = -1;

/** What a direction keeps for itself. */
export function directionMemory({ p }: Supervision, name: string): Pick<Direction, "chunk" | "at" | "length"> {
  return {
    chunk: p.buffer(CHUNK_BYTES + DETACH_KEYS_MAX, `<${name}>`),
    at: p.slot(`${name}_at`),
    length: p.slot(`${name}_length`),
  };
}

function direction(s: Supervision, name: "output" | "input"): Direction {
  const { slots, stdio } = s;
  const own = directionMemory(s, name);
  if (name === "output") {
    const to = stdio.stdout === "inherit" ? 1 : slots.stdio[1];
    return { ...own, from: slots.master, to, readable: "master", writable: "output" };
  }
  const from = stdio.stdin === "inherit" ? 0 : slots.stdio[0];
  return { ...own, from, to: slots.master, readable: "input", writable: "room" };
}

/** A relay in the making. */
interface Relay {
  readonly output: Direction;
  readonly input: Direction;
  readonly keys: (KeySieve & { readonly from: Slot }) | undefined;
}

export function makeRelay(s: Supervision): Relay {
  const { p, detachKeys } = s;
  const keys = detachKeys && { ...makeKeySieve(p, detachKeys, CHUNK_BYTES), from: p.slot("typed_from") };
  return { output: direction(s, "output"), input: direction(s, "input"), keys };
}

/** A write to a pipe without a reader is to fail with EPIPE, not to end the reaper. */
export function emitOutliveReaders({ p }: Supervision): void {
  const mask = Buffer.alloc(8);
  mask.writeBigUInt64LE(1n << BigInt(constants.signals.SIGPIPE - 1));
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), p.bytes(mask, "[PIPE]"), 0, 8]);
}

/** Begins to relay, when the terminal is there. */
export function emitStartRelay(s: Supervision, { output, input, keys }: Relay, loop: RelayLoop): void {
  if (keys !== undefined) {
    s.p.set(keys.from, input.from);
    s.p.set(keys.matched, 0);
  }
  emitStartDirections(s, [output, input], loop);
}

export function emitStartDirections<Poll extends string>(
  { p }: Supervision,
  directions: readonly Direction<Poll>[],
  loop: RelayLoop<Poll>,
): void {
  for (const { at, length, readable, from } of directions) {
    p.set(at, 0);
    p.set(length, 0);
    loop.watch(readable, from);
  }
}

/**
 * Who takes no more of a terminal's output has let go of the terminal, unless the container is to outlive its maker.
 *
 * @param onKeys what happens as well when the keys that let go of the process have been typed
 */
export function emitRelayTerminal(
  s: Supervision,
  { output, input, keys }: Relay,
  loop: RelayLoop,
  onKeys: () => void,
): void {
  const gone = s.detached ? {} : { onGone: () => emitHangUp(s, loop) };
  const letGo = (): void => {
    emitLetGo(s);
    onKeys();
  };
  const sifted = keys === undefined ? {} : { from: keys.from, sieve: { ...keys, onKeys: letGo } };
  emitRelay(
    s,
    [
      { ...output, ...gone },
      { ...input, ...sifted },
    ],
    loop,
  );
}

/**
 * Moves what has come, in every direction. Nothing here waits: a reaper that stood still because nobody takes the output,
 * or because the program reads no input, would neither pass on signals nor see the end of its maker.
 */
export function emitRelay<Poll extends string>(
  s: Supervision,
  directions: readonly Direction<Poll>[],
  loop: RelayLoop<Poll>,
): void {
  for (const one of directions) {
    loop.when(one.readable, () => emitTake(s, one, loop));
    loop.when(one.writable, () => emitGive(s, one, loop));
  }
}

/** Reads a chunk. A side that has ended is no longer watched; EIO from a master means that no process has it open. */
function emitTake<Poll extends string>(
  s: Supervision,
  { from, to, chunk, at, length, readable, writable, onEnd, sieve }: Direction<Poll>,
  loop: RelayLoop<Poll>,
): void {
  const { p } = s;
  const ended = p.label("it has ended");
  const done = p.label("taken");
  p.handler(ended);
  const into = sieve?.typed ?? chunk;
  p.call("read", [from, into, CHUNK_BYTES], { into: length, on: ["EAGAIN", "EINTR"], goto: done });
  p.branch(length, "eq", 0, ended);
  if (sieve !== undefined) emitSieve(s, { chunk, length, readable, sieve }, loop, done);
  p.set(at, 0);
  loop.watch(readable, p.number(NOBODY));
  loop.watch(writable, to);
  p.jump(done);
  p.mark(ended);
  p.set(length, 0);
  p.set(at, 0);
  loop.watch(readable, p.number(NOBODY));
  if (onEnd !== undefined) {
    p.handler(s.labels.reaperFailed);
    onEnd();
  }
  p.mark(done);
  p.handler(s.labels.reaperFailed);
}

/** Leaves what is to be passed on in the chunk; goes to `nothing` where that is nothing. */
function emitSieve<Poll extends string>(
  s: Supervision,
  {
    chunk,
    length,
    readable,
    sieve,
  }: Pick<Direction<Poll>, "chunk" | "length" | "readable"> & Required<Pick<Direction<Poll>, "sieve">>,
  loop: RelayLoop<Poll>,
  nothing: Label,
): void {
  const { p } = s;
  p.handler(s.labels.reaperFailed);
  emitSift(p, sieve, chunk, length, () => {
    sieve.onKeys();
    p.set(sieve.from, p.number(NOBODY));
    loop.watch(readable, p.number(NOBODY));
  });
  p.branch(length, "eq", 0, nothing);
}

/** Writes what it can. What nobody can take any more is dropped, so that the other side need not wait for ever. */
function emitGive<Poll extends string>(
  s: Supervision,
  { from, to, chunk, at, length, readable, writable, onGone }: Direction<Poll>,
  loop: RelayLoop<Poll>,
): void {
  const { p } = s;
  const written = p.label("all is written");
  const done = p.label("given");
  const gone = p.label("nobody is there");
  p.handler(onGone === undefined ? written : gone);
  emitWrite(s, { to, chunk, at, length }, done);
  p.branch(at, "lt", length, done);
  p.mark(written);
  p.set(at, length);
  loop.watch(writable, p.number(NOBODY));
  loop.watch(readable, from);
  if (onGone !== undefined) {
    p.jump(done);
    p.mark(gone);
    p.set(at, length);
    onGone();
  }
  p.mark(done);
  p.handler(s.labels.reaperFailed);
}

/**
 * Lets go of the terminal, as whoever closes its window does: its session hears SIGHUP, writes to it fail with EIO, and
 * it has no more input. Not for a container that is to outlive its maker: it goes on and is heard by nobody.
 */
function emitHangUp({ p, slots }: Supervision, loop: RelayLoop): void {
  for (const name of Object.keys(RELAY_POLLS)) loop.watch(name as RelayPoll, p.number(NOBODY));
  for (const fd of [p.slot("terminal"), slots.master]) {
    p.call("close", [fd], { ignore: "any" });
    p.set(fd, p.number(NOBODY));
  }
}

/** One write: of everything at first; of single bytes once it took a part, because the machine cannot subtract. */
function emitWrite(
  { p }: Supervision,
  { to, chunk, at, length }: Pick<Direction, "to" | "chunk" | "at" | "length">,
  notNow: Label,
): void {
  const amount = p.slot("amount");
  const address = p.slot("address");
  const written = p.slot("written");
  const write = p.label("write");
  p.set(amount, length);
  p.branch(at, "eq", 0, write);
  p.set(amount, 1);
  p.mark(write);
  p.add(address, chunk, at);
  p.call("write", [to, address, amount], { into: written, on: ["EAGAIN", "EINTR"], goto: notNow });
  p.add(at, at, written);
}

export function emitResizeTerminal(s: Supervision, size: Slot): void {
  const { p, slots } = s;
  const winsize = p.struct(WINSIZE, {});
  p.store(winsize, 4, size);
  p.call("ioctl", [slots.master, p.flags("TIOCSWINSZ"), winsize], { ignore: "any" });
}

/**
 * After the child's end: what it wrote last is still in the terminal, and is passed on for as long as that may take, unless
 * somebody wants the container ended.
 */
export function emitDrainTerminal(s: Supervision, { output }: Relay): void {
  const { p } = s;
  const { from, chunk, at, length } = output;
  const drained = p.label("drained");
  const next = p.label("drain");
  const give = p.label("give");
  p.step({ action: "pass on the terminal's last output" });
  p.handler(drained);
  p.branch(at, "lt", length, give);
  p.mark(next);
  p.call("read", [from, chunk, CHUNK_BYTES], { into: length });
  p.branch(length, "eq", 0, drained);
  p.set(at, 0);
  p.mark(give);
  emitAwaitTaker(s, output, drained);
  emitWrite(s, output, give);
  p.branch(at, "lt", length, give);
  p.jump(next);
  p.mark(drained);
  p.handler(s.labels.reaperFailed);
}

/**
 * Sleeps until `to` takes more. Goes to `enough` when a signal is asked for, or the maker of what must not outlive it is
 * gone; and instead of sleeping when the child was killed by order.
 */
function emitAwaitTaker(s: Supervision, { to }: Direction, enough: Label): void {
  const { p, slots } = s;
  const polls = p.buffer(3 * POLLFD.size, "[stdout, control, 3]");
  const record = p.buffer(COMMAND_BYTES, "<command>");
  const ready = p.slot("ready");
  const again = p.label("wait for the taker");
  const asked = p.label("asked");
  const { events, revents } = POLLFD.fields;
  const entry = (index: number, fd: Value, wanted: string): void => {
    p.store(polls.at(index * POLLFD.size), 4, fd);
    p.store(polls.at(index * POLLFD.size + events.offset), 2, p.flags(wanted));
  };
  const load = (index: number): void => p.load(ready, polls.at(index * POLLFD.size + revents.offset), 2);
  const taker = p.label("it takes more");
  entry(0, to, "POLLOUT");
  entry(1, slots.control, "POLLIN");
  entry(2, s.detached ? p.number(NOBODY) : CONTROL_FD, "0");
  p.branch(slots.killed, "eq", 0, again);
  p.call("ppoll", [polls, 3, p.struct(TIMESPEC, {}), 0, 8]);
  load(0);
  p.branch(ready, "ne", 0, taker);
  p.jump(enough);
  p.mark(again);
  p.call("ppoll", [polls, 3, 0, 0, 8], { on: ["EINTR"], goto: again });
  load(2);
  p.branch(ready, "ne", 0, enough);
  load(1);
  p.branch(ready, "ne", 0, asked);
  p.jump(taker);
  p.mark(asked);
  p.call("read", [slots.control, record, COMMAND_BYTES]);
  p.load(ready, record, 4);
  p.branch(ready, "eq", p.number(COMMAND.signal, "signal"), enough);
  p.jump(again);
  p.mark(taker);
}
