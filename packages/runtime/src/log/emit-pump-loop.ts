import { CONTROL_FD, type Label, POLLFD, STATX_NLINK_OFFSET, TIMESPEC } from "@orlop/kernel";
import { emitRotate } from "./emit-new-file.ts";
import { emitAdvance } from "./emit-open-log.ts";
import {
  CHECKPOINT_EVERY_BYTES,
  LENGTH_OPEN,
  LOG_KIND,
  LOG_RECORD,
  RECORD_ALIGN_BYTES,
  RECORD_MAX_BYTES,
} from "./log-layout.ts";
import { NO_FD, POLL_COUNT, type PumpProgram, STREAMS } from "./pump-program.ts";

/** Larger than a file can be: one that is never rotated for its size. */
const NEVER = 1n << 62n;

/** Between two tries to write down the end of a run where there is no room. */
const NO_ROOM_PAUSE_SECONDS = 1;

const CALLER = STREAMS.length;
const DESCRIPTOR_MAX = 0x7fff_ffff;

/** The parts of the loop, which go round by jumps: the machine has no calls. */
interface Loop {
  readonly watch: Label;
  /** Looks at what ppoll has said of each. */
  readonly looks: readonly [Label, Label, Label];
  readonly take: Label;
  readonly lost: Label;
  readonly ended: Label;
  readonly written: Label;
}

interface Sizes {
  /** Where a record may at most start in a file, so that it and the `end` are within its size; and where that may. */
  readonly limit: bigint;
  readonly endLimit: bigint;
  /** How much is taken at once. */
  readonly chunk: number;
}

function sizes(maxSizeBytes: number | undefined): Sizes {
  if (maxSizeBytes === undefined) return { limit: NEVER, endLimit: NEVER, chunk: RECORD_MAX_BYTES };
  // Beside the record itself, a `dropped` before it; and behind it the `end`, with another one.
  const overhead = 4 * LOG_RECORD.size + 5 * RECORD_ALIGN_BYTES;
  const chunk = Math.min(RECORD_MAX_BYTES, Math.floor((maxSizeBytes - overhead) / 2));
  const endOverhead = 2 * LOG_RECORD.size + 3 * RECORD_ALIGN_BYTES;
  return { limit: BigInt(maxSizeBytes - overhead - chunk), endLimit: BigInt(maxSizeBytes - endOverhead), chunk };
}

/**
 * The loop that a pump spends its life in, asleep in one ppoll until something has come. `kind` says what is written, and
 * by that where it goes on afterwards; `stream` is the entry of the ppoll that it is for.
 */
export function emitPumpLoop(pump: PumpProgram): void {
  const { p, plan, slots, labels } = pump;
  const loop: Loop = {
    watch: p.label("watch"),
    looks: [p.label("stdout?"), p.label("stderr?"), p.label("the caller?")],
    take: p.label("take"),
    lost: p.label("it is lost"),
    ended: p.label("a stream has ended"),
    written: p.label("it is written"),
  };
  p.step({ action: "write down that the pump has started" });
  p.set(slots.dropped, 0);
  p.set(slots.fresh, p.number(NO_FD));
  p.set(p.slot("open"), plan.terminal ? 1 : STREAMS.length);
  p.set(p.slot("kind"), p.number(plan.resume ? LOG_KIND.resume : LOG_KIND.start, plan.resume ? "resume" : "start"));
  p.jump(loop.take);
  emitWatch(pump, loop);
  emitTake(pump, loop);
  emitEnded(pump, loop);
  emitLost(pump, loop);
  p.mark(labels.leave);
  p.step({ action: "leave, when the run has ended and that is written down" });
}

function emitWatch({ p, labels, memory }: PumpProgram, { watch, looks, take, ended }: Loop): void {
  const { polls } = memory;
  const { fd: descriptor, revents } = POLLFD.fields;
  const entry = (index: number, offset: number, length: number) => polls.at(index * POLLFD.size + offset, length);
  const ready = p.slot("ready");
  p.step({
    action: "wait for output",
    why: "asleep in one ppoll until something has come, or the last writer is gone",
  });
  p.mark(watch);
  p.handler(labels.failed);
  p.call("ppoll", [polls, POLL_COUNT, 0, 0, 8], { on: ["EINTR"], goto: watch });
  for (const [index, name] of STREAMS.entries()) {
    p.mark(looks[index] as Label);
    const next = looks[index + 1] as Label;
    p.load(ready, entry(index, revents.offset, 2), 2);
    p.branch(ready, "eq", 0, next);
    p.load(p.slot("from"), entry(index, descriptor.offset, 4), 4);
    p.branch(p.slot("from"), "eq", p.number(NO_FD, "none"), next);
    p.set(p.slot("stream"), index * POLLFD.size);
    p.set(p.slot("kind"), p.number(LOG_KIND[name], name));
    // Nothing is in it and nobody writes any more. Who found that out by taking would have made room for what does not come.
    p.branch(ready, "eq", p.flags("POLLHUP"), ended);
    p.jump(take);
  }
  p.mark(looks[CALLER]);
  p.load(ready, entry(CALLER, revents.offset, 2), 2);
  p.branch(ready, "eq", 0, watch);
  p.step({ action: "look whether there is a container", why: "whoever was to make it is gone" });
  p.store(entry(CALLER, descriptor.offset, 4), 4, p.number(NO_FD, "none"));
  p.store(entry(CALLER, revents.offset, 2), 2, 0);
  p.call("close", [CONTROL_FD]);
  for (const index of STREAMS.keys()) p.store(entry(index, revents.offset, 2), 2, p.flags("POLLIN"));
  p.jump(looks[0]);
}

/** Begins a new file where the next record may not fit into this one. */
function emitMakeRoom(pump: PumpProgram, { lost }: Loop, { limit, endLimit }: Sizes): void {
  const { p, slots } = pump;
  const room = p.label("there is room");
  const rotate = p.label("a new file");
  p.branch(slots.at, "lt", p.number(limit), room);
  // A single file would be emptied for the end, and nothing be left of what the run has said.
  p.branch(p.slot("kind"), "ne", p.number(LOG_KIND.end, "end"), rotate);
  p.branch(slots.at, "lt", p.number(endLimit), room);
  p.mark(rotate);
  emitRotate(pump, lost);
  p.mark(room);
}

/** Writes one record, with what has come of a stream or with nothing. */
function emitTake(pump: PumpProgram, loop: Loop): void {
  const { p, plan, slots, labels, memory } = pump;
  const { record } = memory;
  const { file, at, previous, dropped, due } = slots;
  const { chunk } = sizes(plan.maxSizeBytes);
  const { fields } = LOG_RECORD;
  const [kind, bytes, length, written] = [p.slot("kind"), p.slot("bytes"), p.slot("length"), p.slot("written")];
  const complete = p.label("nothing is missing");
  const opened = p.label("with a stream's bytes");
  const account = p.label("account");
  const field = (name: keyof typeof fields, size = 4) => record.at(fields[name].offset, size);
  const write = (count: number): void => {
    p.call("pwrite64", [file, record, count, at], { into: written });
    p.branch(written, "ne", count, loop.lost);
  };
  p.mark(loop.take);
  p.step({ action: "write down what has come" });
  p.handler(loop.lost);
  p.set(bytes, 0);
  emitMakeRoom(pump, loop, sizes(plan.maxSizeBytes));
  p.step({ action: "write down how much was lost", why: "there was no room for it" });
  p.branch(dropped, "eq", 0, complete);
  p.set(length, WORD_BYTES);
  p.store(field("kind"), 4, p.number(LOG_KIND.dropped, "dropped"));
  p.store(field("length"), 4, length);
  p.store(field("previous"), 4, previous);
  p.store(record.at(LOG_RECORD.size), 8, dropped);
  p.call("clock_gettime", [p.flags("CLOCK_REALTIME"), field("seconds", 16)]);
  write(LOG_RECORD.size + WORD_BYTES);
  emitAdvance(pump, length);
  p.set(dropped, 0);
  p.mark(complete);
  p.step({
    action: "write down what has come",
    why: "moved, not copied: what is not in the file is still in the FIFO",
  });
  p.call("clock_gettime", [p.flags("CLOCK_REALTIME"), field("seconds", 16)]);
  p.set(length, LENGTH_OPEN);
  p.branch(kind, "lt", p.number(LOG_KIND.start, "start"), opened);
  p.set(length, 0);
  p.mark(opened);
  p.store(field("kind"), 4, kind);
  p.store(field("length"), 4, length);
  p.store(field("previous"), 4, previous);
  write(LOG_RECORD.size);
  p.branch(kind, "ge", p.number(LOG_KIND.start, "start"), account);
  const place = p.buffer(8, "{at+32}");
  p.add(length, at, LOG_RECORD.size);
  p.store(place, 8, length);
  p.call("splice", [p.slot("from"), 0, file, place, chunk, p.flags("SPLICE_F_NONBLOCK")], {
    into: length,
    on: ["EAGAIN", "EINTR"],
    goto: loop.written,
  });
  p.branch(length, "eq", 0, loop.ended);
  p.set(bytes, length);
  p.store(field("length"), 4, bytes);
  write(LOG_RECORD.size);
  p.mark(account);
  emitAdvance(pump, bytes);
  p.branch(at, "lt", due, loop.written);
  p.step({ action: "note a checkpoint" });
  emitCheckpoint(pump);
  p.mark(loop.written);
  p.step({ action: "go on to the next stream" });
  p.branch(kind, "eq", p.number(LOG_KIND.stdout, "stdout"), loop.looks[1]);
  p.branch(kind, "eq", p.number(LOG_KIND.stderr, "stderr"), loop.looks[CALLER] as Label);
  p.branch(kind, "eq", p.number(LOG_KIND.end, "end"), labels.leave);
  if (plan.resume) {
    for (const index of STREAMS.keys()) {
      p.store(memory.polls.at(index * POLLFD.size + POLLFD.fields.revents.offset, 2), 2, p.flags("POLLIN"));
    }
    p.jump(loop.looks[0]);
  } else p.jump(loop.watch);
}

const WORD_BYTES = 8;

function emitCheckpoint({ p, slots }: PumpProgram): void {
  const { file, at, previous, due } = slots;
  const words = p.buffer(16, "{checkpoint, previous}");
  p.store(words, 8, at);
  p.store(words.at(8), 8, previous);
  p.call("pwrite64", [file, words, 16, LOG_RECORD.size], { ignore: "any" });
  p.add(due, at, CHECKPOINT_EVERY_BYTES);
}

/** A stream that nobody has open for writing any more, and that is empty. With the last, the run has ended. */
function emitEnded({ p, labels, memory }: PumpProgram, { ended, written, take }: Loop): void {
  const open = p.slot("open");
  p.mark(ended);
  p.step({ action: "close a stream that has ended" });
  p.handler(labels.failed);
  p.call("close", [p.slot("from")]);
  const offset = p.slot("stream");
  p.store(memory.polls, 4, p.number(NO_FD, "none"), offset);
  p.add(open, open, p.number(-1));
  p.branch(open, "ne", 0, written);
  p.set(p.slot("kind"), p.number(LOG_KIND.end, "end"));
  p.jump(take);
}

/**
 * There was no room. What has come is dropped, so that the container does not wait for ever, and is counted; that the run
 * has ended is tried again until it is written, or somebody has removed the log.
 */
function emitLost({ p, slots, labels, memory }: PumpProgram, { lost, written, ended, take }: Loop): void {
  const { file, at, fresh, dropped, nothing } = slots;
  const [kind, bytes] = [p.slot("kind"), p.slot("bytes")];
  const drain = p.label("drain");
  const later = p.label("later");
  const [from, field] = [p.slot("from"), p.slot("field")];
  p.mark(lost);
  p.step({ action: "drop what there is no room for", why: "the container must not wait for ever" });
  p.handler(labels.failed);
  p.branch(fresh, "ge", DESCRIPTOR_MAX, drain);
  p.call("close", [fresh]);
  p.set(fresh, p.number(NO_FD));
  p.mark(drain);
  // What was written by half is not to stand behind a shorter record.
  p.call("ftruncate", [file, at], { ignore: "any" });
  p.add(dropped, dropped, bytes);
  p.branch(kind, "eq", p.number(LOG_KIND.end, "end"), later);
  p.branch(kind, "ge", p.number(LOG_KIND.start, "start"), written);
  const flags = p.flags("SPLICE_F_NONBLOCK");
  p.call("splice", [from, 0, nothing, 0, RECORD_MAX_BYTES, flags], { into: bytes, on: ["EAGAIN"], goto: written });
  p.branch(bytes, "eq", 0, ended);
  p.add(dropped, dropped, bytes);
  p.jump(written);
  p.mark(later);
  p.call("statx", [file, p.text(""), p.flags("AT_EMPTY_PATH"), p.flags("STATX_NLINK"), memory.stat]);
  p.load(field, memory.stat.at(STATX_NLINK_OFFSET), 4);
  p.branch(field, "eq", 0, labels.leave);
  const pause = p.struct(TIMESPEC, { tv_sec: NO_ROOM_PAUSE_SECONDS });
  p.call("clock_nanosleep", [p.flags("CLOCK_MONOTONIC"), 0, pause, 0], { ignore: "any" });
  p.jump(take);
}
