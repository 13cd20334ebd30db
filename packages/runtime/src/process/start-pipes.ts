import { readdirSync } from "node:fs";
import { constants } from "node:os";
import { CONTROL_FD, type Label, POLLFD, type Slot } from "@orlop/kernel";
import { type Supervision, WORD } from "./supervision.ts";

/**
 * Pipes in the directory of a container that nobody of ours watches over: init waits at `start` for a byte, and says in
 * `result` why its program could not be executed. It holds both, and the program does not: the end of `result` is news.
 */
export const START_PIPE = "start";
export const RESULT_PIPE = "result";

/** Before the process that starts the container, in the name that the pipe has from then on. */
const CLAIMED = `${START_PIPE}~`;

/** The name of {@link START_PIPE} while a process starts the container: its pid, and a time since boot when it was there. */
export function claimedStartPipe(pid: number, aliveAtMs: number): string {
  return `${CLAIMED}${pid}~${aliveAtMs}`;
}

/** Who starts the container of a directory. */
interface ClaimOfStart {
  readonly name: string;
  readonly pid: number;
  readonly aliveAtMs: number;
}

/** Undefined when nobody does. */
export function claimOfStart(directory: string): ClaimOfStart | undefined {
  const name = readdirSync(directory).find((entry) => entry.startsWith(CLAIMED));
  if (name === undefined) return undefined;
  const [pid, aliveAtMs] = name.slice(CLAIMED.length).split("~").map(Number);
  return { name, pid: pid ?? 0, aliveAtMs: aliveAtMs ?? 0 };
}

/** What is written to {@link START_PIPE}: go, and, after the hooks of the start have run, go on. */
export const START_BYTE = { go: 1, goOn: 2 } as const;

function slots({ p }: Supervision): { readonly start: Slot; readonly result: Slot } {
  return { start: p.slot("start_pipe"), result: p.slot("result_pipe") };
}

/** In the reaper, before the child is there. */
export function emitMakeStartPipes(s: Supervision): void {
  const { p } = s;
  const { start, result } = slots(s);
  p.step({
    action: `make pipes "${START_PIPE}" and "${RESULT_PIPE}"`,
    why: "through them init is started, whoever does it",
  });
  for (const [name, into] of [
    [START_PIPE, start],
    [RESULT_PIPE, result],
  ] as const) {
    p.call("mknodat", [s.slots.state, p.text(name), p.number(0o10600, "S_IFIFO|0600"), 0]);
    // For both directions: it never waits for another side, and never sees one end.
    p.call("openat", [s.slots.state, p.text(name), p.flags("O_RDWR|O_NOFOLLOW|O_CLOEXEC"), 0], { into });
  }
}

/** In init, when everything is ready: lets go of whoever made it, and waits to be started. */
export function emitAwaitStart(s: Supervision): void {
  const { p } = s;
  p.step({ action: "let go of the maker and wait for the start" });
  p.call("close", [s.slots.syncChild]);
  p.call("close", [CONTROL_FD]);
  // Open since before it was there. It leads to the host, and who joins the container could find it here.
  p.call("close", [s.slots.state]);
  emitHearSignals(s);
  emitAwaitByte(s, START_BYTE.go);
}

/**
 * Signals that end init while it waits, as with runc, whose language has it so. To process 1, which has no handlers, the
 * kernel delivers none that it does not block.
 */
const ENDING = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGABRT", "SIGTERM"] as const;
const SIGNALS_BYTES = 8;
/** What a shell makes of a signal. */
const SIGNALLED = 128;
/** struct signalfd_siginfo begins with the number. */
const SIGNALFD_SIGINFO_BYTES = 128;

function emitHearSignals({ p }: Supervision): void {
  const mask = Buffer.alloc(SIGNALS_BYTES);
  mask.writeBigUInt64LE(ENDING.reduce((bits, name) => bits | (1n << BigInt(constants.signals[name] - 1)), 0n));
  const signals = p.bytes(mask, `[${ENDING.join(" ")}]`);
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), signals, 0, SIGNALS_BYTES]);
  p.call("signalfd4", [p.number(-1), signals, SIGNALS_BYTES, p.flags("O_CLOEXEC")], { into: p.slot("start_signals") });
}

/** In init, when it has been started: from here on signals are the program's. */
export function emitEndWait({ p }: Supervision): void {
  p.step({ action: "leave signals to the program" });
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), p.buffer(SIGNALS_BYTES, "[]"), 0, SIGNALS_BYTES]);
  p.call("close", [p.slot("start_signals")]);
}

/** In init, at its start: says that the hooks of the start are to run, and waits for leave to go on. */
export function emitAwaitStartHooks(s: Supervision): void {
  const { p } = s;
  p.step({ action: "say that the hooks of the start are due, and wait" });
  const say = p.label("say it");
  p.mark(say);
  p.call("write", [slots(s).result, p.bytes(Buffer.from([WORD.starting]), "starting"), 1]);
  // Whoever heard it may have been killed; the next one who starts it hears it, too.
  emitAwaitByte(s, START_BYTE.goOn, { byte: START_BYTE.go, goto: say });
}

/** A byte that means something else is passed over. */
function emitAwaitByte(s: Supervision, wanted: number, again?: { readonly byte: number; readonly goto: Label }): void {
  const { p } = s;
  const byte = p.buffer(8, "<byte>");
  const got = p.slot("got");
  const wait = p.label("wait");
  const started = p.label("no signal has come");
  const { start } = slots(s);
  const signals = p.slot("start_signals");
  const { events, revents } = POLLFD.fields;
  const polls = p.buffer(2 * POLLFD.size, "[{start, POLLIN}, {signals, POLLIN}]");
  const info = p.buffer(SIGNALFD_SIGINFO_BYTES, "{signalfd_siginfo}");
  for (const [index, fd] of [start, signals].entries()) {
    p.store(polls.at(index * POLLFD.size), 4, fd);
    p.store(polls.at(index * POLLFD.size + events.offset), 2, p.flags("POLLIN"));
  }
  p.mark(wait);
  p.call("ppoll", [polls, 2, 0, 0, SIGNALS_BYTES], { on: ["EINTR"], goto: wait });
  p.load(got, polls.at(POLLFD.size + revents.offset), 2);
  p.branch(got, "eq", 0, started);
  p.call("read", [signals, info, SIGNALFD_SIGINFO_BYTES]);
  p.load(got, info, 4);
  p.add(got, got, SIGNALLED);
  p.call("exit_group", [got]);
  p.mark(started);
  p.call("read", [start, byte, 1]);
  p.load(got, byte, 1);
  if (again !== undefined) p.branch(got, "eq", again.byte, again.goto);
  p.branch(got, "ne", wanted, wait);
}

/** Where init says what became of its start. */
export function resultPipe(s: Supervision): Slot {
  return slots(s).result;
}
