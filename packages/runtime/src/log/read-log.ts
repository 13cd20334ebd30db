import { OrlopError } from "@orlop/core";
import { LogCursor, SEEK_FIRST_BYTES, SEEK_GROWTH } from "./log-cursor.ts";
import type { LogEntry } from "./log-entry.ts";
import type { LogPiece } from "./log-file.ts";
import { droppedEntry, type LogLine, LogLines, streamOf } from "./log-lines.ts";
import { LogWatch } from "./log-watch.ts";

export interface ReadLogOptions {
  /** Only what came at this Unix time in nanoseconds, or later. */
  readonly since?: bigint;
  /** Only what came at this Unix time in nanoseconds, or before; who follows stops then. */
  readonly until?: bigint;
  /** Only so many lines from the end of what is there: with `raw` they come as such, and what follows in chunks. */
  readonly tail?: number;
  /** Goes on with what comes, until the run has ended. */
  readonly follow?: boolean;
  /** `end`: only what comes from now on. */
  readonly from?: "start" | "end";
  /** Ends the reading, without an error. */
  readonly signal?: AbortSignal;
  /** How many files of the log are read, at most; absent: all that there are. */
  readonly maxFiles?: number;
  /** Chunks as they came, at once, instead of lines. */
  readonly raw?: boolean;
}

/**
 * Reads what a log pump has written: whole lines, over all files of the log, the oldest first. A line that has no end at the
 * end of what is there, or of the run, comes as it is.
 *
 * With `follow` it goes on until the pump has written that the run has ended (at once where it has, and no other has begun),
 * the log is removed, or the signal says so. The pump may be killed and started again, and the log be rotated; nothing is
 * left out, unless files are deleted before they are read.
 *
 * Throws `not-found` when there is no log. Where something else stands than should, it reads what can be read, in that file
 * up to there and in the others, and then throws an error that says where.
 */
export async function* readLog(file: string, options: ReadLogOptions = {}): AsyncGenerator<LogEntry, void, undefined> {
  checkOptions(options);
  const { follow = false, from = "start", tail, signal, since, until } = options;
  using watch = follow ? new LogWatch(file, signal) : undefined;
  await using cursor = await LogCursor.open(file, options.maxFiles);
  const view = new LogView(options);
  watch?.arm();
  if (from === "end" || tail === 0) await cursor.seekEnd();
  else if (tail !== undefined) yield* readTail(cursor, view, { tail, joins: follow && options.raw !== true });
  else if (since !== undefined) await (options.raw === true ? cursor.seekTime(since) : cursor.skipBefore(since));
  await cursor.settle();
  let lastRemoved: unknown;
  for (;;) {
    for (let piece = await cursor.next(); piece !== undefined; piece = await cursor.next()) {
      if (signal?.aborted === true) return;
      yield* view.entries(piece);
    }
    if (watch === undefined || cursor.hasEnded || !cursor.isReadable || isOver(options)) break;
    const removed = await cursor.removedFile();
    if (removed !== undefined && removed === lastRemoved) break;
    lastRemoved = removed;
    // There may be a newer one by now.
    if (removed !== undefined) continue;
    await watch.wait(until === undefined ? undefined : Number(until / 1_000_000n) + 1);
    watch.arm();
  }
  if (signal?.aborted !== true) for (const { entry } of view.rest()) yield entry;
  if (cursor.damage !== undefined) throw cursor.damage;
}

function isOver({ signal, until }: ReadLogOptions): boolean {
  return signal?.aborted === true || (until !== undefined && BigInt(Date.now()) * 1_000_000n > until);
}

function checkOptions({ tail, from }: ReadLogOptions): void {
  const refuse = (what: string): never => {
    throw new OrlopError("invalid", `Cannot read log with ${what}`);
  };
  if (tail === undefined) return;
  if (!(Number.isSafeInteger(tail) && tail >= 0)) refuse(`tail "${tail}": it is no number of lines`);
  if (from === "end") refuse(`tail "${tail}": from the end there are no lines`);
}

/** What is shown of what is read. */
class LogView {
  readonly #options: ReadLogOptions;
  #lines = new LogLines(false);
  /** Something was read that came before what is wanted. */
  hasPassedSince = false;

  constructor(options: ReadLogOptions) {
    this.#options = options;
  }

  /** Begins again, in the middle of lines if `isCut`. */
  restart(isCut: boolean): void {
    this.#lines = new LogLines(isCut);
    this.hasPassedSince = false;
  }

  *lines(piece: LogPiece): Generator<LogLine> {
    for (const line of this.#lines.take(piece)) if (this.#isWanted(line.entry)) yield line;
  }

  *entries(piece: LogPiece): Generator<LogEntry> {
    if (this.#options.raw === true) {
      const stream = piece.data.length > 0 ? streamOf(piece) : undefined;
      const entry = stream === undefined ? droppedEntry(piece) : { stream, timeNs: piece.timeNs, data: piece.data };
      if (entry !== undefined && this.#isWanted(entry)) yield entry;
      return;
    }
    for (const { entry } of this.lines(piece)) yield entry;
  }

  *rest(): Generator<LogLine> {
    for (const line of this.#lines.rest()) if (this.#isWanted(line.entry)) yield line;
  }

  #isWanted({ timeNs }: LogEntry): boolean {
    const { since, until } = this.#options;
    if (since !== undefined && timeNs < since) this.hasPassedSince = true;
    return (since === undefined || timeNs >= since) && (until === undefined || timeNs <= until);
  }
}

/**
 * The last lines of what is there, found by going back further and further until none of them may have begun before. One
 * without an end is among them, unless what comes next is to be joined to it.
 */
async function* readTail(
  cursor: LogCursor,
  view: LogView,
  { tail, joins }: { readonly tail: number; readonly joins: boolean },
): AsyncGenerator<LogEntry> {
  for (let bytes = SEEK_FIRST_BYTES; ; bytes *= SEEK_GROWTH) {
    const isCut = await cursor.seekBack(bytes);
    view.restart(isCut);
    let last: LogLine[] = [];
    for (let piece = await cursor.next(); piece !== undefined; piece = await cursor.next()) {
      for (const line of view.lines(piece)) last.push(line);
      if (last.length > 2 * tail) last = last.slice(-tail);
    }
    if (!joins) last.push(...view.rest());
    last = last.slice(-tail);
    const isEnough = last.length === tail || view.hasPassedSince;
    if (isCut && (!isEnough || last.some((line) => line.isCut))) continue;
    for (const { entry } of last) yield entry;
    return;
  }
}
