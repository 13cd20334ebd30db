import { type StructLayout, structLayout } from "@orlop/kernel";

/**
 * A log as it lies on disk: one file, `FILE`, and what was rotated out of it, `FILE.1` (the newest) to `FILE.n`.
 *
 * A file is a chain of records, each at a multiple of 8 bytes, little-endian, with zeros in between:
 *
 * | offset | size | field |
 * | --- | --- | --- |
 * | 0 | 4 | magic, {@link LOG_MAGIC} |
 * | 4 | 4 | kind, one of {@link LOG_KIND} |
 * | 8 | 4 | length in bytes of what follows the header; {@link LENGTH_OPEN}: as far as the file goes |
 * | 12 | 4 | previous, bytes from the header of the record before to this one |
 * | 16 | 8 | seconds of the Unix time at which it was read |
 * | 24 | 8 | nanoseconds |
 * | 32 | length | what the container has written, byte by byte |
 *
 * The first record of a file is a `begin`, and what follows its header is two words: a place where a record starts, or
 * will, with everything before it finished; and the `previous` of that record. It is never more than
 * {@link CHECKPOINT_EVERY_BYTES} and a record from the end, so that the end of a large file is found without reading it all.
 *
 * A record comes to be in three steps: its header is written, open; what the container has written is moved behind it by
 * splice(2), which takes nothing out of the FIFO that is not in the file; its length is written. Whoever is killed in
 * between leaves an open record whose length the end of the file tells. Only the last record can be open.
 */
export const LOG_RECORD: StructLayout<"magic" | "kind" | "length" | "previous" | "seconds" | "nanoseconds"> =
  structLayout("log_record", 32, {
    magic: "u32",
    kind: "u32",
    length: "u32",
    previous: "u32",
    seconds: "s64",
    nanoseconds: "s64",
  });

/** What follows the header of a `begin`. */
export const LOG_BEGIN: StructLayout<"checkpoint" | "previous"> = structLayout("log_begin", 16, {
  checkpoint: "u64",
  previous: "u64",
});

/** "OLOG" */
export const LOG_MAGIC = 0x474f4c4f;

/** Kinds from `start` up hold nothing that a container has written. */
export const LOG_KIND = {
  /** A file begins. */
  begin: 0,
  stdout: 1,
  stderr: 2,
  /** A pump has started with a new run of the container. */
  start: 3,
  /** A pump has started in the middle of a run, whose first one was killed. */
  resume: 4,
  /** The run has ended: nobody has its streams open any more. */
  end: 5,
  /** So many bytes (a word) were lost here, because the file took no more. */
  dropped: 6,
} as const;

/** The length of a record that is not finished. */
export const LENGTH_OPEN = 0xffff_ffff;

/** Most bytes behind the header of a record. */
export const RECORD_MAX_BYTES = 65_536;

/** How far a checkpoint is behind, at most, when a record has been written. */
export const CHECKPOINT_EVERY_BYTES: number = 1024 * 1024;

export const RECORD_ALIGN_BYTES = 8;

/** Where the first record behind the `begin` starts. */
export const FIRST_RECORD: number = LOG_RECORD.size + LOG_BEGIN.size;

/** Most files of one log, the current one included. */
export const LOG_FILES_MAX = 100;

/** The least that a file can be limited to. */
export const LOG_SIZE_MIN_BYTES = 1024;
