import {
  FLOCK,
  type Label,
  POLLFD,
  type Pointer,
  ProgramBuilder,
  reportBuffer,
  type Slot,
  STATX_BYTES,
} from "@orlop/kernel";
import { FIRST_RECORD, LOG_BEGIN, LOG_KIND, LOG_MAGIC, LOG_RECORD } from "./log-layout.ts";
import type { PumpPlan } from "./pump-plan.ts";

/** A pump in the making: what its parts share. */
export interface PumpProgram {
  readonly p: ProgramBuilder;
  readonly plan: PumpPlan;
  /** Name of the log in its directory, and of the file that will take its place. */
  readonly name: Pointer;
  readonly newName: Pointer;
  readonly slots: {
    /** Directory of the log. */
    readonly place: Slot;
    readonly file: Slot;
    /** A file that is to take the place of `file`; no descriptor otherwise. */
    readonly fresh: Slot;
    /** /dev/null, where what there is no room for goes. */
    readonly nothing: Slot;
    /** Where the next record starts; {@link NOWHERE} in a file that takes no more. */
    readonly at: Slot;
    /** Bytes from the record before to there. */
    readonly previous: Slot;
    /** The next checkpoint is due when `at` is there. */
    readonly due: Slot;
    /** Bytes that were lost and not written down yet. */
    readonly dropped: Slot;
  };
  readonly labels: {
    /** An error that nothing is prepared for. */
    readonly failed: Label;
    readonly leave: Label;
  };
  readonly memory: {
    readonly report: Pointer;
    /** Header and, where the record is `dropped`, the word behind it. */
    readonly record: Pointer;
    /** Of a new file: header and checkpoint. */
    readonly begin: Pointer;
    /** A lock of the whole log. */
    readonly lock: Pointer;
    readonly stat: Pointer;
    readonly polls: Pointer;
  };
}

/** The descriptors of the container's streams stand in the entries of the pump's ppoll; the last is the caller's end. */
export const STREAMS = ["stdout", "stderr"] as const;
export const POLL_COUNT: number = STREAMS.length + 1;

/** As a descriptor in such an entry: none. */
export const NO_FD = 0xffff_ffff;

/** An offset that no record can be written at. */
export const NOWHERE = -1;

/** The byte that pumps lock in their logs, so that nobody else's lock is taken for one: "orlop". */
export const LOCK = { start: 0x706f_6c72_6f, length: 1 } as const;

export function pumpProgram(plan: PumpPlan, name: string): PumpProgram {
  const p = new ProgramBuilder(plan.architecture);
  const header = Buffer.alloc(LOG_RECORD.size + 8);
  header.writeUInt32LE(LOG_MAGIC, 0);
  return {
    p,
    plan,
    name: p.text(name),
    newName: p.text(`${name}.new`),
    slots: {
      place: p.slot("place"),
      file: p.slot("file"),
      fresh: p.slot("fresh"),
      nothing: p.slot("nothing"),
      at: p.slot("at"),
      previous: p.slot("previous"),
      due: p.slot("due"),
      dropped: p.slot("dropped"),
    },
    labels: { failed: p.label("failed"), leave: p.label("leave") },
    memory: {
      report: reportBuffer(p),
      record: p.bytes(header, "{record}"),
      begin: p.bytes(beginRecord(), "{begin}"),
      lock: p.struct(FLOCK, { l_type: p.flags("F_WRLCK"), l_start: LOCK.start, l_len: LOCK.length }),
      stat: p.buffer(STATX_BYTES, "{statx}"),
      polls: p.buffer(POLL_COUNT * POLLFD.size, "[stdout, stderr, 3]"),
    },
  };
}

function beginRecord(): Buffer {
  const bytes = Buffer.alloc(FIRST_RECORD);
  bytes.writeUInt32LE(LOG_MAGIC, LOG_RECORD.fields.magic.offset);
  bytes.writeUInt32LE(LOG_KIND.begin, LOG_RECORD.fields.kind.offset);
  bytes.writeUInt32LE(LOG_BEGIN.size, LOG_RECORD.fields.length.offset);
  return bytes;
}
