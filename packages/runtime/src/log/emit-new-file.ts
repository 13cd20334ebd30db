import type { Label } from "@orlop/kernel";
import { CHECKPOINT_EVERY_BYTES, FIRST_RECORD, LOG_BEGIN, LOG_RECORD } from "./log-layout.ts";
import { NO_FD, type PumpProgram } from "./pump-program.ts";

/** Writes the first record of a new file; goes to `failed` where it cannot. */
export function emitBeginFile({ p, memory }: PumpProgram, file: PumpProgram["slots"]["file"], failed: Label): void {
  const { begin } = memory;
  const written = p.slot("written");
  p.call("clock_gettime", [p.flags("CLOCK_REALTIME"), begin.at(LOG_RECORD.fields.seconds.offset, 16)]);
  for (const { offset } of Object.values(LOG_BEGIN.fields)) {
    p.store(begin.at(LOG_RECORD.size + offset), 8, FIRST_RECORD);
  }
  p.call("pwrite64", [file, begin, FIRST_RECORD, 0], { into: written, on: "any", goto: failed });
  p.branch(written, "ne", FIRST_RECORD, failed);
}

/** Has the next record follow that one. */
export function emitStartFile({ p, slots }: PumpProgram): void {
  p.set(slots.at, FIRST_RECORD);
  p.set(slots.previous, FIRST_RECORD);
  p.set(slots.due, FIRST_RECORD + CHECKPOINT_EVERY_BYTES);
}

/**
 * Puts a new file in the place of the log, whose own becomes `FILE.1`, and so on to the last that is kept, which goes. The
 * new one is complete before anything is renamed, and what was renamed by half leaves a gap in the numbers, which is
 * filled first: whenever it is killed, the next pump goes on without a loss.
 */
export function emitRotate(pump: PumpProgram, failed: Label): void {
  const { p, plan, slots, name, newName, memory } = pump;
  const { place, file, fresh } = slots;
  p.step({ action: `rotate log "${plan.file}"` });
  const create = p.flags("O_RDWR|O_CREAT|O_TRUNC|O_NOFOLLOW|O_CLOEXEC");
  p.call("openat", [place, newName, create, 0o600], { into: fresh });
  p.call("fcntl", [fresh, p.flags("F_SETLK"), memory.lock]);
  emitBeginFile(pump, fresh, failed);
  emitShift(pump);
  p.call("renameat2", [place, newName, place, name, 0]);
  p.call("close", [file]);
  p.set(file, fresh);
  p.set(fresh, p.number(NO_FD));
  emitStartFile(pump);
}

function emitShift({ p, plan, slots, name }: PumpProgram): void {
  const base = plan.file.slice(plan.file.lastIndexOf("/") + 1);
  const last = plan.maxFiles - 1;
  const rotated = (index: number) => (index === 0 ? name : p.text(`${base}.${index}`));
  const shifts = Array.from({ length: last }, (_, index) => p.label(`nothing is at ${index + 1}`));
  for (let index = 1; index < last; index++) {
    const goto = shifts[index - 1] as Label;
    p.call("faccessat2", [slots.place, rotated(index), 0, p.flags("AT_SYMLINK_NOFOLLOW")], { on: ["ENOENT"], goto });
  }
  for (let index = last; index > 0; index--) {
    p.mark(shifts[index - 1] as Label);
    const rename = [slots.place, rotated(index - 1), slots.place, rotated(index), 0];
    // Somebody may have deleted it.
    p.call("renameat2", rename, { ignore: ["ENOENT"] });
  }
}
