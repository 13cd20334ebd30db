import { LINE_MAX_BYTES, type LogEntry } from "./log-entry.ts";
import type { LogPiece } from "./log-file.ts";
import { LOG_KIND } from "./log-layout.ts";

const NEWLINE = 0x0a;
const STREAMS = { [LOG_KIND.stdout]: "stdout", [LOG_KIND.stderr]: "stderr" } as const;

/** An entry, and whether it may be the end of a line whose beginning was not read. */
export interface LogLine {
  readonly entry: LogEntry;
  readonly isCut: boolean;
}

/** A line that has no end yet. */
interface Started {
  readonly timeNs: bigint;
  readonly parts: Buffer[];
  length: number;
}

/** The stream of what a container has written; undefined for what else is in a log. */
export function streamOf(piece: LogPiece): LogEntry["stream"] | undefined {
  return (STREAMS as Readonly<Record<number, LogEntry["stream"]>>)[piece.kind];
}

/** The entry of a piece that says how much is missing. */
export function droppedEntry({ kind, timeNs, data }: LogPiece): LogEntry | undefined {
  if (kind !== LOG_KIND.dropped || data.length !== 8) return undefined;
  return { stream: "stderr", timeNs, data: Buffer.alloc(0), droppedBytes: data.readBigUInt64LE(0) };
}

function inWords({ droppedBytes }: LogEntry): Buffer {
  return Buffer.from(`[orlop: ${droppedBytes} bytes of output were lost: there was no room for the log]\n`);
}

/** Makes lines of what comes, for each stream by itself. */
export class LogLines {
  readonly #started = new Map<LogEntry["stream"], Started>();
  /** Streams whose first line may have begun before. */
  readonly #uncertain: Set<LogEntry["stream"]>;

  constructor(isCut: boolean) {
    this.#uncertain = new Set(isCut ? Object.values(STREAMS) : []);
  }

  *take(piece: LogPiece): Generator<LogLine> {
    const stream = streamOf(piece);
    if (stream !== undefined) yield* this.#takeStream(stream, piece);
    else if (piece.kind === LOG_KIND.end || piece.kind === LOG_KIND.start) {
      // No line goes on in another run.
      yield* this.rest();
      this.#uncertain.clear();
    } else {
      const entry = droppedEntry(piece);
      if (entry !== undefined) yield { entry: { ...entry, data: inWords(entry) }, isCut: false };
    }
  }

  /** What has no end yet, and will get none. */
  *rest(): Generator<LogLine> {
    for (const [stream, { timeNs, parts }] of this.#started) yield this.#line(stream, timeNs, Buffer.concat(parts));
    this.#started.clear();
  }

  *#takeStream(stream: LogEntry["stream"], { timeNs, data }: LogPiece): Generator<LogLine> {
    for (let at = 0; at < data.length; ) {
      const started = this.#started.get(stream) ?? { timeNs, parts: [], length: 0 };
      const newline = data.indexOf(NEWLINE, at);
      const end = newline < 0 ? data.length : newline + 1;
      const part = data.subarray(at, Math.min(end, at + LINE_MAX_BYTES - started.length));
      at += part.length;
      started.parts.push(part);
      started.length += part.length;
      if (part.at(-1) === NEWLINE || started.length === LINE_MAX_BYTES) {
        this.#started.delete(stream);
        yield this.#line(stream, started.timeNs, Buffer.concat(started.parts));
      } else this.#started.set(stream, started);
    }
  }

  #line(stream: LogEntry["stream"], timeNs: bigint, data: Buffer): LogLine {
    const isCut = this.#uncertain.has(stream);
    // A piece of a long line says nothing of where that began.
    if (data.at(-1) === NEWLINE) this.#uncertain.delete(stream);
    return { entry: { stream, timeNs, data }, isCut };
  }
}
