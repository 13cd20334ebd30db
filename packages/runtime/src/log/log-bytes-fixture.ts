import { appendFileSync, statSync } from "node:fs";
import { FIRST_RECORD, LOG_BEGIN, LOG_KIND, LOG_MAGIC, LOG_RECORD, RECORD_ALIGN_BYTES } from "./log-layout.ts";

/** A record to be: of a kind, with what follows its header. */
export interface RecordBytes {
  readonly kind: keyof typeof LOG_KIND;
  readonly data?: string | Uint8Array;
  /** Unix time in seconds. */
  readonly seconds?: number;
  /** Absent: that of the data. */
  readonly length?: number;
}

/** Appends records to a file of a log. */
export function appendRecords(file: string, records: readonly RecordBytes[]): void {
  const end = statSync(file).size;
  const padding = (RECORD_ALIGN_BYTES - (end % RECORD_ALIGN_BYTES)) % RECORD_ALIGN_BYTES;
  appendFileSync(file, Buffer.concat([Buffer.alloc(padding), logBytes(records).subarray(FIRST_RECORD)]));
}

/** The bytes of a file of a log, with the last checkpoint at its beginning, as a pump would have written them. */
export function logBytes(records: readonly RecordBytes[]): Buffer {
  const begin = Buffer.alloc(LOG_BEGIN.size);
  begin.writeBigUInt64LE(BigInt(FIRST_RECORD), LOG_BEGIN.fields.checkpoint.offset);
  begin.writeBigUInt64LE(BigInt(FIRST_RECORD), LOG_BEGIN.fields.previous.offset);
  let bytes = Buffer.alloc(0);
  let previous = 0;
  for (const { kind, data = "", seconds = 1_000_000_000, length } of [
    { kind: "begin", data: begin } as const,
    ...records,
  ]) {
    const body = Buffer.from(data as string);
    const header = Buffer.alloc(LOG_RECORD.size);
    const { fields } = LOG_RECORD;
    header.writeUInt32LE(LOG_MAGIC, fields.magic.offset);
    header.writeUInt32LE(LOG_KIND[kind], fields.kind.offset);
    header.writeUInt32LE(length ?? body.length, fields.length.offset);
    header.writeUInt32LE(previous, fields.previous.offset);
    header.writeBigInt64LE(BigInt(seconds), fields.seconds.offset);
    const padding = Buffer.alloc((RECORD_ALIGN_BYTES - (bytes.length % RECORD_ALIGN_BYTES)) % RECORD_ALIGN_BYTES);
    bytes = Buffer.concat([bytes, padding, header, body]);
    previous = Math.ceil((header.length + body.length) / RECORD_ALIGN_BYTES) * RECORD_ALIGN_BYTES;
  }
  return bytes;
}
