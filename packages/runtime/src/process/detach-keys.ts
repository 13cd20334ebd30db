import { constants } from "node:os";
import { DETACH_KEYS_MAX, OrlopError, type Process } from "@orlop/core";
import { CONTROL_FD, emitReport, type Pointer, type ProgramBuilder, type Slot } from "@orlop/kernel";
import { STREAM_NAMES } from "./stdio.ts";
import type { Supervision } from "./supervision.ts";

/** The name of the file that says so in the state directory of a process that was let go of. */
export const DETACHED_MARK = "detached";

/** @throws OrlopError `invalid` for keys that nobody can type, or that are too many */
export function checkDetachKeys(keys: readonly number[] | undefined, { terminal }: Pick<Process, "terminal">): void {
  if (keys === undefined) return;
  const refuse = (problem: string): never => {
    throw new OrlopError("invalid", `Cannot use detach keys: ${problem}`, { field: "detachKeys" });
  };
  if (terminal !== true) refuse("the process has no terminal to let go of");
  if (keys.length === 0 || keys.length > DETACH_KEYS_MAX) refuse(`there are 1 to ${DETACH_KEYS_MAX}`);
  if (keys.some((key) => !Number.isInteger(key) || key < 0 || key > 0xff)) refuse("each is one byte");
}

/** What finds the keys in what is typed. */
export interface KeySieve {
  /** Where input is read to; what is passed on of it goes to the chunk of its direction. */
  readonly typed: Pointer;
  readonly keys: Pointer;
  readonly count: number;
  /** How many of the keys were the last that was typed: they are held back until the next says whether it was meant so. */
  readonly matched: Slot;
}

export function makeKeySieve(p: ProgramBuilder, keys: readonly number[], chunkBytes: number): KeySieve {
  return {
    typed: p.buffer(chunkBytes, "<typed>"),
    keys: p.bytes(Buffer.from(keys), "<detach keys>"),
    count: keys.length,
    matched: p.slot("keys_matched"),
  };
}

/**
 * Moves the `length` bytes of what was typed to `chunk`, but for the keys, wherever the input is cut; `length` becomes what is
 * there then. At the last of the keys the rest is dropped, and `onKeys` happens.
 */
export function emitSift(
  p: ProgramBuilder,
  { typed, keys, count, matched }: KeySieve,
  chunk: Pointer,
  length: Slot,
  onKeys: () => void,
): void {
  const [index, passed, byte, key] = [p.slot("typed_at"), p.slot("passed"), p.slot("typed_byte"), p.slot("key")];
  const [next, differs] = [p.label("next byte"), p.label("not the key")];
  const [plain, sifted] = [p.label("no key"), p.label("sifted")];
  const pass = (value: Slot): void => {
    p.store(chunk, 1, value, passed);
    p.add(passed, passed, 1);
  };
  p.set(index, 0);
  p.set(passed, 0);
  p.mark(next);
  p.branch(index, "ge", length, sifted);
  p.load(byte, typed, 1, index);
  p.add(index, index, 1);
  p.load(key, keys, 1, matched);
  p.branch(byte, "ne", key, differs);
  p.add(matched, matched, 1);
  p.branch(matched, "lt", count, next);
  p.set(matched, 0);
  onKeys();
  p.jump(sifted);
  p.mark(differs);
  emitPassHeld(p, keys, matched, pass);
  p.load(key, keys, 1);
  p.branch(byte, "ne", key, plain);
  p.set(matched, 1);
  p.jump(next);
  p.mark(plain);
  pass(byte);
  p.jump(next);
  p.mark(sifted);
  p.set(length, passed);
}

/** It was not meant so. */
function emitPassHeld(p: ProgramBuilder, keys: Pointer, matched: Slot, pass: (value: Slot) => void): void {
  const [at, key] = [p.slot("held_at"), p.slot("key")];
  const [next, passed] = [p.label("next of what was held back"), p.label("nothing is held back")];
  p.set(at, 0);
  p.mark(next);
  p.branch(at, "ge", matched, passed);
  p.load(key, keys, 1, at);
  pass(key);
  p.add(at, at, 1);
  p.jump(next);
  p.mark(passed);
  p.set(matched, 0);
}

/**
 * In the reaper: gives back what it has of the caller's, and tells. What the terminal says from here on is taken, so that the
 * program never waits for somebody to read it, and goes nowhere.
 */
export function emitLetGo(s: Supervision): void {
  const { p, slots, stdio } = s;
  const nowhere = p.slot("nowhere");
  // It stays open: where the caller had a standard stream closed, it is that.
  p.call("openat", [p.flags("AT_FDCWD"), p.text("/dev/null"), p.flags("O_RDWR|O_CLOEXEC"), 0], { into: nowhere });
  for (const fd of [0, 1, 2]) p.call("dup3", [nowhere, fd, 0], { ignore: ["EINVAL"] });
  for (const [index, name] of STREAM_NAMES.entries()) {
    if (stdio[name] === "inherit") continue;
    p.call("dup3", [nowhere, slots.stdio[index] as Slot, p.flags("O_CLOEXEC")], { ignore: ["EINVAL"] });
  }
  p.call("mknodat", [slots.state, p.text(DETACHED_MARK), p.number(0o100600, "S_IFREG|0600"), 0], {
    ignore: ["EEXIST"],
  });
  emitReport(p, s.report, "detached", { value: slots.child });
  emitReport(p, s.report, "ended", { index: 0, value: 0 });
  // Nobody is told more, nor kept waiting by what is still open here.
  p.call("dup3", [nowhere, CONTROL_FD, p.flags("O_CLOEXEC")]);
  if (s.endsWithMaker !== true) return;
  // The maker may have nobody left to hear it from: then it looks for the file.
  const child = p.number(constants.signals.SIGCHLD, "SIGCHLD");
  p.call("pidfd_send_signal", [slots.maker, child, 0, 0], { ignore: "any" });
}
