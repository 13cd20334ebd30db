import { LOOP_CONFIG, LOOP_INFO64, TIMESPEC } from "../abi/structs.ts";
import type { ProgramBuilder, Value } from "../program/builder.ts";
import { emitDecimal, PID_DIGITS_MAX } from "../program/emit-decimal.ts";
import type { Label, Pointer, Slot } from "../program/instruction.ts";

export interface LoopDevice {
  /** Of the file that is to be a block device. */
  readonly path: string;
  readonly readonly: boolean;
}

const PLACE = "/dev/loop";
/** struct stat: st_dev and st_ino are its first members on x86-64 and arm64 (include/uapi/asm-generic/stat.h). */
const STAT_BYTES = 144;
const ST_INO_OFFSET = 8;
/** How long to wait for somebody who is about to let a device go. */
const ATTEMPTS_MAX = 200;
const PAUSE_NANOSECONDS = 10_000_000n;
/** A device with a higher number is not found again. */
const NUMBERS = 1024;

/**
 * `into` = descriptor of a block device of what is in a file, and the result the memory with its path. It is gone when nobody
 * has it open or mounted any more, however they ended.
 *
 * Two devices of one file would be two caches of one disk: whoever writes to both ruins what is on it. So a device has an
 * exclusive lock (flock) on its file, as long as it is there: the lock belongs to the open file that the kernel keeps for the
 * device. Who does not get it looks for the device that has it, and takes that. EBUSY where there is none for two seconds.
 */
export function emitLoopDevice(p: ProgramBuilder, { path, readonly }: LoopDevice, into: Slot): Pointer {
  // A program in which this is a part has names of its own.
  const [file, control] = [p.slot("loop_file"), p.slot("loop_control")];
  const [number, attempts] = [p.slot("loop_number"), p.slot("loop_attempts")];
  const [lock, free, taken, search, done] = [
    p.label("lock the file"),
    p.label("take a free device"),
    p.label("somebody took it"),
    p.label("look for the device of the file"),
    p.label("there is a device"),
  ];
  const name = p.bytes(Buffer.from(PLACE.padEnd(PLACE.length + PID_DIGITS_MAX + 1, "\0")), `"${PLACE}..."`);
  const here = p.flags("AT_FDCWD");
  const access = p.flags(`${readonly ? "O_RDONLY" : "O_RDWR"}|O_CLOEXEC`);
  p.step({ action: `make a block device of "${path}"`, why: "it goes with the last that has it open or mounted" });
  p.call("openat", [here, p.text(path), access, 0], { into: file });
  p.call("openat", [here, p.text("/dev/loop-control"), p.flags("O_RDWR|O_CLOEXEC"), 0], { into: control });
  p.set(attempts, 0);
  p.mark(lock);
  p.call("flock", [file, p.flags("LOCK_EX|LOCK_NB")], { on: ["EAGAIN"], goto: search });
  p.mark(free);
  p.call("ioctl", [control, p.flags("LOOP_CTL_GET_FREE"), 0], { into: number });
  emitDecimal(p, number, [name.at(PLACE.length)], "left");
  p.call("openat", [here, name, access, 0], { into });
  const lo_flags = p.flags(`LO_FLAGS_AUTOCLEAR${readonly ? "|LO_FLAGS_READ_ONLY" : ""}`);
  const config = p.struct(LOOP_CONFIG, { lo_flags });
  p.store(config.at(LOOP_CONFIG.fields.fd.offset), 4, file);
  p.call("ioctl", [into, p.flags("LOOP_CONFIGURE"), config], { on: ["EBUSY"], goto: taken });
  p.jump(done);
  p.mark(taken);
  p.call("close", [into]);
  emitAttempt(p, attempts, free);
  p.mark(search);
  emitSearch(p, { file, number, into, name, access, found: done });
  emitAttempt(p, attempts, lock);
  p.mark(done);
  p.call("close", [control]);
  p.call("close", [file]);
  return name;
}

/** Goes on at `again` after a while, and fails when that has been often enough. */
function emitAttempt(p: ProgramBuilder, attempts: Slot, again: Label): void {
  const wait = p.label("wait");
  const pause = Buffer.alloc(TIMESPEC.size);
  pause.writeBigInt64LE(PAUSE_NANOSECONDS, 8);
  p.add(attempts, attempts, 1);
  p.branch(attempts, "lt", ATTEMPTS_MAX, wait);
  p.fail("EBUSY");
  p.mark(wait);
  p.call("clock_nanosleep", [p.flags("CLOCK_MONOTONIC"), 0, p.bytes(pause, "{10ms}"), 0], { ignore: ["EINTR"] });
  p.jump(again);
}

interface Search {
  readonly file: Slot;
  readonly number: Slot;
  readonly into: Slot;
  readonly name: Pointer;
  readonly access: Value;
  readonly found: Label;
}

/** Looks whose file the device and inode numbers are those of ours; goes on behind this where there is none. */
function emitSearch(p: ProgramBuilder, { file, number, into, name, access, found }: Search): void {
  const [each, other, next] = [p.label("each device"), p.label("of another file"), p.label("next device")];
  const [own, theirs] = [p.slot("loop_own"), p.slot("loop_theirs")];
  const stat = p.buffer(STAT_BYTES, "{stat}");
  const info = p.buffer(LOOP_INFO64.size, "{loop_info64}");
  const { lo_device, lo_inode } = LOOP_INFO64.fields;
  p.call("newfstatat", [file, p.text(""), stat, p.flags("AT_EMPTY_PATH")]);
  p.set(number, 0);
  p.mark(each);
  emitDecimal(p, number, [name.at(PLACE.length)], "left");
  const absent = ["ENOENT", "ENXIO", "EACCES", "EROFS"];
  p.call("openat", [p.flags("AT_FDCWD"), name, access, 0], { into, on: absent, goto: next });
  p.call("ioctl", [into, p.flags("LOOP_GET_STATUS64"), info], { on: ["ENXIO"], goto: other });
  for (const [ours, offset] of [
    [0, lo_device.offset],
    [ST_INO_OFFSET, lo_inode.offset],
  ] as const) {
    p.load(own, stat.at(ours), 8);
    p.load(theirs, info.at(offset), 8);
    p.branch(own, "ne", theirs, other);
  }
  p.jump(found);
  p.mark(other);
  p.call("close", [into]);
  p.mark(next);
  p.add(number, number, 1);
  p.branch(number, "lt", NUMBERS, each);
}
