import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { RangeSet } from "./range-set.ts";

/** What is known of a blob that is partly there. */
export interface IngestRecord {
  readonly sizeBytes: number;
  readonly startedAtMs: number;
  readonly written: RangeSet;
}

/** So much may have to come again when the process is killed. */
const UNRECORDED_MAX_BYTES = 1024 * 1024;

/**
 * The file beside a blob that is partly there: a line with the blob's size and when its ingest began, then a line for each
 * range that has been written, with offset and end. Each ends with a semicolon and begins on a new line, so that one that
 * was cut short, by a kill or a full disk, neither counts nor spoils the next one.
 *
 * It is not synced to the disk: after a power cut it may promise what is not there, which the verification finds.
 */
export class RangesLog implements Disposable {
  readonly #descriptor: number;
  readonly #unrecorded = new RangeSet();

  /** Goes on with the file, or makes a new one. */
  constructor(path: string, record: Omit<IngestRecord, "written"> | "continued") {
    this.#descriptor = openSync(path, record === "continued" ? "a" : "w", 0o600);
    if (record === "continued") return;
    try {
      this.#append(`${record.sizeBytes} ${record.startedAtMs};`);
    } catch (error) {
      closeSync(this.#descriptor);
      throw error;
    }
  }

  add(offset: number, end: number): void {
    this.#unrecorded.add(offset, end);
    if (this.#unrecorded.totalBytes >= UNRECORDED_MAX_BYTES) this.flush();
  }

  flush(): void {
    const ranges = this.#unrecorded.ranges();
    if (ranges.length === 0) return;
    this.#append(ranges.map(({ offset, length }) => `\n${offset} ${offset + length};`).join(""));
    this.#unrecorded.clear();
  }

  #append(text: string): void {
    const bytes = Buffer.from(text);
    for (let position = 0; position < bytes.length; ) position += writeSync(this.#descriptor, bytes, position);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}

const LINE = /^(\d{1,16}) (\d{1,16});$/;

/** Undefined where there is none, or none that can be used. */
export function readRangesLog(path: string): IngestRecord | undefined {
  const [first, ...ranges] = readLines(path).map((line) => LINE.exec(line)?.slice(1).map(Number));
  if (first === undefined) return undefined;
  const [sizeBytes = 0, startedAtMs = 0] = first;
  const written = new RangeSet();
  for (const [offset = 0, end = 0] of ranges.filter((each) => each !== undefined)) {
    if (end <= sizeBytes) written.add(offset, end);
  }
  return { sizeBytes, startedAtMs, written };
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, "latin1").split("\n");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
