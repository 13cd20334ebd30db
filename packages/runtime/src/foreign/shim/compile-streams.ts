import { constants } from "node:os";
import {
  CONTROL_FD,
  emitReport,
  type Label,
  POLLFD,
  type Pointer,
  type Program,
  type Slot,
  TIMESPEC,
  type Value,
} from "@orlop/kernel";
import { COMMAND, COMMAND_BYTES } from "../../process/control-command.ts";
import { emitEndReaper, emitPrepareReaper } from "../../process/reaper.ts";
import { emitOpenStdio } from "../../process/stdio.ts";
import { type Supervision, type SupervisionOptions, superviseIn } from "../../process/supervision.ts";
import {
  type Direction,
  directionMemory,
  emitOutliveReaders,
  emitRelay,
  emitStartDirections,
  type RelayLoop,
} from "../../process/terminal-relay.ts";

/** The streams of a process: stdin, stdout, stderr. */
export type Stream = 0 | 1 | 2;

interface StreamsPlan extends SupervisionOptions {
  /** Those that are passed on; the FIFO of each is called by its number. */
  readonly streams: readonly Stream[];
  /** They are an exec's, which is to end with its maker; its pid comes with the command `begin`. */
  readonly adopts: boolean;
}

/** Index of the report that says that the input has ended. */
export const INPUT_ENDED = 1;

/** What is waited for: the control pipe, the maker, the exec, and both sides of each stream. */
const POLLS = ["control", "parent", "process", "from0", "to0", "from1", "to1", "from2", "to2"] as const;
type Poll = (typeof POLLS)[number];
const FIFO_MODE = 0o10600;
/** The slot "begun": 0 until the shim has been told of the process, 1 until its input is open. */
const INPUT_OPEN = 2;
/** How long the opening of the input is waited for at a time; shims open it in the background. */
const OPEN_PAUSE_NANOSECONDS = 2_000_000;

/**
 * Compiles what passes the streams of a process on, between the descriptors or files that the caller names and FIFOs of our
 * own, which are all that a shim can open. It stays until the outputs have ended, whoever lives then.
 */
export function compileStreams(plan: StreamsPlan): Program {
  const s = superviseIn(plan);
  const { p, slots } = s;
  const open = p.slot("open");
  emitPrepareReaper(s);
  emitOpenStdio(s);
  for (const stream of plan.streams) emitMakeFifo(s, stream);
  p.step({ action: "pass the streams on", why: "asleep in one ppoll until something happens" });
  emitOutliveReaders(s);
  p.set(p.slot("begun"), 0);
  const outputs = plan.streams.filter((stream) => stream !== 0).length;
  p.set(open, outputs + (plan.adopts ? 1 : 0));
  const directions = plan.streams.map((stream) => directionOf(s, stream));
  emitReport(p, s.report, "created", { value: 0 });
  const loop = emitLoop(s, plan, directions);
  p.mark(loop.end);
  for (const stream of plan.streams) p.call("unlinkat", [slots.state, p.text(String(stream)), 0], { ignore: "any" });
  emitEndReaper(s, () => {});
  return p.build();
}

function fifoSlot({ p }: Supervision, stream: Stream): Slot {
  return p.slot(`fifo_${stream}`);
}

function emitMakeFifo(s: Supervision, stream: Stream): void {
  const { p, slots } = s;
  const name = p.text(String(stream));
  p.step({ action: `make FIFO "${stream}"` });
  p.call("mknodat", [slots.state, name, p.number(FIFO_MODE, "S_IFIFO|0600"), 0]);
  if (stream === 0) return;
  // The reading end alone, so that the end of its writers shows: the shim has passed on everything then.
  const flags = p.flags("O_RDONLY|O_NONBLOCK|O_NOFOLLOW|O_CLOEXEC");
  p.call("openat", [slots.state, name, flags, 0], { into: fifoSlot(s, stream) });
}

/** The writing end alone, and only once there is a reader: what is written stays in the pipe then, also without us. */
function emitOpenInput(s: Supervision, input: Direction<Poll>, loop: RelayLoop<Poll>): void {
  const { p, slots } = s;
  const notYet = p.label("the shim has not opened it yet");
  const flags = p.flags("O_WRONLY|O_NONBLOCK|O_NOFOLLOW|O_CLOEXEC");
  p.branch(p.slot("begun"), "ne", 1, notYet);
  p.call("openat", [slots.state, p.text("0"), flags, 0], { into: fifoSlot(s, 0), on: ["ENXIO"], goto: notYet });
  p.set(p.slot("begun"), INPUT_OPEN);
  emitStartDirections(s, [input], loop);
  p.mark(notYet);
}

function directionOf(s: Supervision, stream: Stream): Direction<Poll> {
  const { p, slots, stdio } = s;
  const target = [stdio.stdin, stdio.stdout, stdio.stderr][stream];
  const ours: Value = target === "inherit" ? stream : slots.stdio[stream];
  const fifo = fifoSlot(s, stream);
  const [from, to] = stream === 0 ? [ours, fifo] : [fifo, ours];
  return {
    ...directionMemory(s, `stream ${stream}`),
    from,
    to,
    readable: `from${stream}`,
    writable: `to${stream}`,
    onEnd: () => {
      if (stream === 0) emitEndInput(s);
      else p.add(p.slot("open"), p.slot("open"), p.number(-1));
    },
  };
}

/** The shim has an end of its own open, which only who speaks to it can have it close. */
function emitEndInput(s: Supervision): void {
  const { p } = s;
  p.call("close", [fifoSlot(s, 0)], { ignore: "any" });
  emitReport(p, s.report, "paused", { index: INPUT_ENDED });
}

function emitLoop(s: Supervision, plan: StreamsPlan, directions: readonly Direction<Poll>[]) {
  const { p, slots } = s;
  const memory = p.buffer(POLLS.length * POLLFD.size, `[${POLLS.join(", ")}]`);
  const [next, end] = [p.label("pass on"), p.label("all has ended")];
  const ready = p.slot("ready");
  const { events, revents } = POLLFD.fields;
  const at = (name: Poll): number => POLLS.indexOf(name) * POLLFD.size;
  const watch = (name: Poll, fd: Value): void => p.store(memory.at(at(name)), 4, fd);
  const when = (name: Poll, body: () => void): void => {
    const not = p.label(`nothing from ${name}`);
    p.load(ready, memory.at(at(name) + revents.offset), 2);
    p.branch(ready, "eq", 0, not);
    body();
    p.mark(not);
  };
  const loop: RelayLoop<Poll> = { watch, when };
  const nobody = p.number(-1);
  for (const name of POLLS) {
    watch(name, nobody);
    const wanted = name === "parent" ? "0" : name.startsWith("to") ? "POLLOUT" : "POLLIN";
    p.store(memory.at(at(name) + events.offset), 2, p.flags(wanted));
  }
  watch("control", slots.control);
  watch("parent", CONTROL_FD);
  const input = directions.find(({ readable }) => readable === "from0");
  emitStartDirections(
    s,
    directions.filter((one) => one !== input),
    loop,
  );
  p.mark(next);
  p.branch(p.slot("open"), "eq", 0, end);
  if (input === undefined) {
    p.call("ppoll", [memory, POLLS.length, 0, 0, 8], { on: ["EINTR"], goto: next });
  } else {
    emitOpenInput(s, input, loop);
    emitSleep(s, memory, next);
  }
  emitRelay(s, directions, loop);
  emitFollowMaker(s, plan, loop);
  when("control", () => emitCommand(s, plan, loop, end));
  p.jump(next);
  return { end };
}

/** Until there is something, or, while the shim is opening the input, for a moment. */
function emitSleep({ p }: Supervision, memory: Pointer, next: Label): void {
  const forGood = p.label("for good");
  const awake = p.label("awake");
  const moment = p.struct(TIMESPEC, { tv_nsec: OPEN_PAUSE_NANOSECONDS });
  p.branch(p.slot("begun"), "ne", 1, forGood);
  p.call("ppoll", [memory, POLLS.length, moment, 0, 8], { on: ["EINTR"], goto: next });
  p.jump(awake);
  p.mark(forGood);
  p.call("ppoll", [memory, POLLS.length, 0, 0, 8], { on: ["EINTR"], goto: next });
  p.mark(awake);
}

/**
 * An exec ends with its maker, and its own end is one of the ends that are waited for. Streams whose maker is gone end
 * when nobody writes to them any more; those of a container that outlives it, too, unless it has begun by then.
 */
function emitFollowMaker(s: Supervision, plan: StreamsPlan, { watch, when }: RelayLoop<Poll>): void {
  const { p, slots } = s;
  const nobody = p.number(-1);
  const kill = p.number(constants.signals.SIGKILL, "SIGKILL");
  when("parent", () => {
    const unknown = p.label("nobody is adopted");
    watch("parent", nobody);
    if (plan.adopts) {
      p.branch(slots.pidfd, "eq", 0, unknown);
      p.call("pidfd_send_signal", [slots.pidfd, kill, 0, 0], { ignore: "any" });
      p.mark(unknown);
    }
    emitLeave(s, plan);
  });
  if (!plan.adopts) return;
  when("process", () => {
    watch("process", nobody);
    p.add(p.slot("open"), p.slot("open"), nobody);
  });
}

function emitCommand(s: Supervision, plan: StreamsPlan, { watch }: RelayLoop<Poll>, end: Label): void {
  const { p, slots } = s;
  const { adopts } = plan;
  const record = p.buffer(COMMAND_BYTES, "<command>");
  const [kind, argument] = [p.slot("command"), p.slot("argument")];
  const done = p.label("command done");
  p.call("read", [slots.control, record, COMMAND_BYTES], { on: ["EAGAIN", "EINTR"], goto: done });
  p.load(kind, record, 4);
  p.load(argument, record.at(4), 4);
  p.branch(kind, "eq", p.number(COMMAND.signal, "signal"), end);
  const stay = p.label("not leave");
  p.branch(kind, "ne", p.number(COMMAND.leave, "leave"), stay);
  emitLeave(s, plan);
  p.mark(stay);
  p.branch(kind, "ne", p.number(COMMAND.begin, "begin"), done);
  p.set(p.slot("begun"), 1);
  if (s.detached) watch("parent", p.number(-1));
  if (adopts) {
    const gone = p.label("it has ended");
    p.branch(argument, "eq", 0, gone);
    p.call("pidfd_open", [argument, 0], { into: slots.pidfd, on: ["ESRCH", "EINVAL"], goto: gone });
    watch("process", slots.pidfd);
    p.jump(done);
    p.mark(gone);
    p.set(slots.pidfd, 0);
    p.add(p.slot("open"), p.slot("open"), p.number(-1));
  }
  p.mark(done);
}

/**
 * Nobody will write any more. A FIFO that nobody has ever opened to write does not end by itself: so it is opened and
 * closed, and ends when what is in it has been read.
 */
function emitLeave(s: Supervision, { streams, adopts }: StreamsPlan): void {
  const { p, slots } = s;
  const writer = p.slot("writer");
  for (const stream of streams.filter((each) => each !== 0)) {
    const gone = p.label("nobody reads it");
    const name = p.text(String(stream));
    const flags = p.flags("O_WRONLY|O_NONBLOCK|O_NOFOLLOW|O_CLOEXEC");
    p.call("openat", [slots.state, name, flags, 0], { into: writer, on: ["ENXIO", "ENOENT"], goto: gone });
    p.call("close", [writer]);
    p.mark(gone);
  }
  if (adopts) {
    const known = p.label("its end is waited for");
    p.branch(p.slot("begun"), "ne", 0, known);
    p.set(p.slot("begun"), INPUT_OPEN);
    p.add(p.slot("open"), p.slot("open"), p.number(-1));
    p.mark(known);
  }
}
