import { CONTROL_FD, type Slot } from "@orlop/kernel";
import { type Supervision, WORD } from "./supervision.ts";

/**
 * Pipes in the directory of a container that nobody of ours watches over: init waits at `start` for a byte, and says in
 * `result` why its program could not be executed. It holds both, and the program does not: the end of `result` is news.
 */
export const START_PIPE = "start";
export const RESULT_PIPE = "result";

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
  p.call("close", [s.slots.syncReaper]);
  p.call("close", [CONTROL_FD]);
  // Open since before it was there. They lead to the host, and who joins the container could find them here.
  for (const fd of [s.slots.state, s.slots.control]) p.call("close", [fd]);
  emitAwaitByte(s, START_BYTE.go);
}

/** In init, at its start: says that the hooks of the start are to run, and waits for leave to go on. */
export function emitAwaitStartHooks(s: Supervision): void {
  const { p } = s;
  p.step({ action: "say that the hooks of the start are due, and wait" });
  p.call("write", [slots(s).result, p.bytes(Buffer.from([WORD.starting]), "starting"), 1]);
  emitAwaitByte(s, START_BYTE.goOn);
}

/** A byte that means something else (somebody starts it a second time) is passed over. */
function emitAwaitByte(s: Supervision, wanted: number): void {
  const { p } = s;
  const byte = p.buffer(8, "<byte>");
  const got = p.slot("got");
  const wait = p.label("wait");
  p.mark(wait);
  p.call("read", [slots(s).start, byte, 1], { on: ["EINTR"], goto: wait });
  p.load(got, byte, 1);
  p.branch(got, "ne", wanted, wait);
}

/** Where init says what became of its start. */
export function resultPipe(s: Supervision): Slot {
  return slots(s).result;
}
