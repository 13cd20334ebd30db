import { LOG_KIND, LOG_MAGIC, LOG_RECORD } from "./log-layout.ts";

/** The header of a record; see log-layout.ts. */
export interface LogRecord {
  readonly kind: number;
  /** `LENGTH_OPEN` when it is not finished. */
  readonly length: number;
  readonly previous: number;
  readonly timeNs: bigint;
}

const { magic, kind, length, previous, seconds, nanoseconds } = LOG_RECORD.fields;
const NANOSECONDS = 1_000_000_000n;
/** The year 10000: no clock says that, and texts of times end before. */
const SECONDS_END = 253_402_300_800n;
const KIND_MAX: number = Math.max(...Object.values(LOG_KIND));

/** The header at the start of `bytes`; undefined when there is none. */
export function decodeLogRecord(bytes: Buffer): LogRecord | undefined {
  if (bytes.length < LOG_RECORD.size || bytes.readUInt32LE(magic.offset) !== LOG_MAGIC) return undefined;
  const found = bytes.readUInt32LE(kind.offset);
  const time = [bytes.readBigUInt64LE(seconds.offset), bytes.readBigUInt64LE(nanoseconds.offset)] as const;
  if (found > KIND_MAX || time[0] >= SECONDS_END || time[1] >= NANOSECONDS) return undefined;
  return {
    kind: found,
    length: bytes.readUInt32LE(length.offset),
    previous: bytes.readUInt32LE(previous.offset),
    timeNs: time[0] * NANOSECONDS + time[1],
  };
}
