import { constants } from "node:os";
import { dirname } from "node:path";
import { FLOCK, type Label, POLLFD, STATX_INO_OFFSET } from "@orlop/kernel";
import { emitBeginFile, emitStartFile } from "./emit-new-file.ts";
import {
  CHECKPOINT_EVERY_BYTES,
  FIRST_RECORD,
  LENGTH_OPEN,
  LOG_BEGIN,
  LOG_KIND,
  LOG_MAGIC,
  LOG_RECORD,
  RECORD_ALIGN_BYTES,
  RECORD_MAX_BYTES,
} from "./log-layout.ts";
import { LOCK, NOWHERE, type PumpProgram } from "./pump-program.ts";

/** Opens the log, alone, and finds its end. */
export function emitOpenLog(pump: PumpProgram): void {
  const { p, plan, slots } = pump;
  const directory = dirname(plan.file);
  p.step({ action: `open directory "${directory}" of the log` });
  const asDirectory = p.flags("O_PATH|O_DIRECTORY|O_CLOEXEC");
  p.call("openat", [p.flags("AT_FDCWD"), p.text(directory), asDirectory, 0], { into: slots.place });
  const open = p.label("open the log");
  p.mark(open);
  emitOpenFile(pump, open);
  emitLock(pump);
  emitExpectInPlace(pump, open);
  emitTrySplice(pump);
  emitFindEnd(pump);
}

/** The file, or the one that was on its way to its place when a pump was killed, or a new one. */
function emitOpenFile({ p, plan, slots, name, newName }: PumpProgram, again: Label): void {
  const { place, file } = slots;
  const absent = p.label("there is no log");
  const create = p.label("make a log");
  const opened = p.label("the log is open");
  const flags = (more: string) => p.flags(`O_RDWR|${more}O_NOFOLLOW|O_CLOEXEC`);
  p.step({ action: `open log "${plan.file}"` });
  p.call("openat", [place, name, flags(""), 0], { into: file, on: ["ENOENT"], goto: absent });
  p.jump(opened);
  p.mark(absent);
  p.call("renameat2", [place, newName, place, name, 0], { on: ["ENOENT"], goto: create });
  p.jump(again);
  p.mark(create);
  p.call("openat", [place, name, flags("O_CREAT|"), 0o600], { into: file });
  p.mark(opened);
}

/** Keeps every other pump away; ends one that is there, which by the way that it writes loses nothing. */
function emitLock({ p, plan, slots, memory }: PumpProgram): void {
  const { file } = slots;
  const other = p.struct(FLOCK, {});
  const { l_type, l_start, l_len, l_pid } = FLOCK.fields;
  const [field, pid, pidfd] = [p.slot("field"), p.slot("other"), p.slot("pidfd")];
  const lock = p.label("lock");
  const taken = p.label("it is taken");
  const theirs = p.label("it is no pump's");
  const changed = p.label("it is another's by now");
  const locked = p.label("locked");
  const ask = (free: Label, theirs: Label): void => {
    p.store(other.at(l_type.offset), 4, p.flags("F_WRLCK"));
    p.store(other.at(l_start.offset), 8, LOCK.start);
    p.store(other.at(l_len.offset), 8, LOCK.length);
    p.call("fcntl", [file, p.flags("F_GETLK"), other]);
    p.load(field, other.at(l_type.offset), 2);
    p.branch(field, "eq", p.flags("F_UNLCK"), free);
    p.branch(field, "ne", p.flags("F_WRLCK"), theirs);
    p.load(field, other.at(l_start.offset), 8);
    p.branch(field, "ne", LOCK.start, theirs);
    p.load(field, other.at(l_len.offset), 8);
    p.branch(field, "ne", LOCK.length, theirs);
  };
  p.step({ action: `lock log "${plan.file}"`, why: "there is one pump for a log: the last that was started" });
  p.mark(lock);
  p.call("fcntl", [file, p.flags("F_SETLK"), memory.lock], { on: ["EAGAIN", "EACCES"], goto: taken });
  p.jump(locked);
  p.mark(theirs);
  p.fail("EAGAIN");
  p.mark(taken);
  ask(lock, theirs);
  p.load(pid, other.at(l_pid.offset), 4);
  p.call("pidfd_open", [pid, 0], { into: pidfd, on: ["ESRCH"], goto: lock });
  // It had the lock, and so was not somebody else with its pid, after it was opened.
  ask(changed, changed);
  p.load(field, other.at(l_pid.offset), 4);
  p.branch(field, "ne", pid, changed);
  p.call("pidfd_send_signal", [pidfd, p.number(constants.signals.SIGKILL, "SIGKILL"), 0, 0], { ignore: ["ESRCH"] });
  const polls = p.struct(POLLFD, { events: p.flags("POLLIN") });
  p.store(polls, 4, pidfd);
  p.call("ppoll", [polls, 1, 0, 0, 8]);
  p.mark(changed);
  p.call("close", [pidfd]);
  p.jump(lock);
  p.mark(locked);
}

/** Between opening and locking, the pump before may have rotated it. */
function emitExpectInPlace({ p, slots, memory, name }: PumpProgram, again: Label): void {
  const { stat } = memory;
  const [own, found] = [p.slot("own"), p.slot("found")];
  const other = p.label("it is another file");
  const same = p.label("it is the file of that name");
  const mask = p.flags("STATX_INO");
  const inode = stat.at(STATX_INO_OFFSET);
  p.call("statx", [slots.file, p.text(""), p.flags("AT_EMPTY_PATH"), mask, stat]);
  p.load(own, inode, 8);
  const flags = p.flags("AT_SYMLINK_NOFOLLOW");
  p.call("statx", [slots.place, name, flags, mask, stat], { on: ["ENOENT"], goto: other });
  p.load(found, inode, 8);
  p.branch(own, "eq", found, same);
  p.mark(other);
  p.call("close", [slots.file]);
  p.jump(again);
  p.mark(same);
}

/** A file system that has no splice says so before there is anything to lose. */
function emitTrySplice({ p, plan, slots }: PumpProgram): void {
  const pair = p.buffer(8, "{reader, writer}");
  const place = p.buffer(8, "{0}");
  const fine = p.label("it can");
  const [reader, writer] = [p.slot("reader"), p.slot("writer")];
  p.step({ action: `splice into log "${plan.file}"` });
  p.call("pipe2", [pair, p.flags("O_CLOEXEC")]);
  p.load(reader, pair, 4);
  p.load(writer, pair.at(4), 4);
  p.call("splice", [reader, 0, slots.file, place, 1, p.flags("SPLICE_F_NONBLOCK")], { on: ["EAGAIN"], goto: fine });
  p.mark(fine);
  for (const end of [reader, writer]) p.call("close", [end]);
}

/**
 * Walks from the last checkpoint to where the next record is to start, and finishes one that a killed pump has left open.
 * A file that is not what it should be is left as it is: the next record goes into another.
 */
function emitFindEnd(pump: PumpProgram): void {
  const { p, plan, slots } = pump;
  const { at, previous, file, due } = slots;
  const { magic, kind, length } = LOG_RECORD.fields;
  const seen = p.buffer(FIRST_RECORD, "{record}");
  const [size, got, field, bytes, edge] = [
    p.slot("size"),
    p.slot("got"),
    p.slot("field"),
    p.slot("bytes"),
    p.slot("edge"),
  ];
  const [walk, next, open, damaged] = [p.label("walk"), p.label("next record"), p.label("open"), p.label("damaged")];
  const [blank, found] = [p.label("an empty log"), p.label("found")];
  const expect = (offset: number, value: number): void => {
    p.load(field, seen.at(offset), 4);
    p.branch(field, "ne", value, damaged);
  };
  p.step({ action: `find the end of log "${plan.file}"` });
  p.call("lseek", [file, 0, p.flags("SEEK_END")], { into: size });
  p.branch(size, "eq", 0, blank);
  p.call("pread64", [file, seen, FIRST_RECORD, 0], { into: got });
  p.branch(got, "ne", FIRST_RECORD, damaged);
  expect(magic.offset, LOG_MAGIC);
  expect(kind.offset, LOG_KIND.begin);
  expect(length.offset, LOG_BEGIN.size);
  p.load(at, seen.at(LOG_RECORD.size + LOG_BEGIN.fields.checkpoint.offset), 8);
  p.load(previous, seen.at(LOG_RECORD.size + LOG_BEGIN.fields.previous.offset), 8);
  p.branch(at, "lt", FIRST_RECORD, damaged);
  p.add(edge, size, RECORD_ALIGN_BYTES);
  p.branch(at, "ge", edge, damaged);
  p.and(field, at, RECORD_ALIGN_BYTES - 1);
  p.branch(field, "ne", 0, damaged);
  p.mark(walk);
  // Less than a header is what a write left that found no more room.
  p.add(edge, at, LOG_RECORD.size - 1);
  p.branch(edge, "ge", size, found);
  p.call("pread64", [file, seen, LOG_RECORD.size, at], { into: got });
  p.branch(got, "ne", LOG_RECORD.size, damaged);
  expect(magic.offset, LOG_MAGIC);
  p.load(bytes, seen.at(length.offset), 4);
  p.branch(bytes, "eq", LENGTH_OPEN, open);
  p.branch(bytes, "ge", RECORD_MAX_BYTES + 1, damaged);
  p.add(edge, at, LOG_RECORD.size);
  p.add(edge, edge, bytes);
  p.branch(size, "lt", edge, damaged);
  p.mark(next);
  emitAdvance(pump, bytes);
  p.jump(walk);
  p.mark(open);
  // The machine cannot subtract: of a file, this is how much there is behind where it stands.
  const rest = p.buffer(8, "<rest>");
  p.add(edge, at, LOG_RECORD.size);
  p.call("lseek", [file, edge, p.flags("SEEK_SET")]);
  p.call("ioctl", [file, p.flags("FIONREAD"), rest]);
  p.load(bytes, rest, 4);
  p.branch(bytes, "eq", 0, found);
  p.branch(bytes, "ge", RECORD_MAX_BYTES + 1, damaged);
  p.store(seen.at(length.offset), 4, bytes);
  p.call("pwrite64", [file, seen, LOG_RECORD.size, at]);
  p.jump(next);
  p.mark(blank);
  emitBeginFile(pump, file, damaged);
  emitStartFile(pump);
  p.jump(found);
  p.mark(damaged);
  p.set(at, p.number(NOWHERE));
  p.mark(found);
  p.add(due, at, CHECKPOINT_EVERY_BYTES);
}

/** Goes on to behind a record that holds so many bytes. */
export function emitAdvance({ p, slots }: PumpProgram, bytes: PumpProgram["slots"]["at"]): void {
  p.add(slots.previous, bytes, LOG_RECORD.size + RECORD_ALIGN_BYTES - 1);
  p.and(slots.previous, slots.previous, p.number(-RECORD_ALIGN_BYTES));
  p.add(slots.at, slots.at, slots.previous);
}
