import { readFileSync, statSync } from "node:fs";
import { type CopiedChange, decodeChange, readLineEnd } from "./copied-change.ts";
import { copyPaths } from "./database-copy.ts";

/** The copy of a database, as far as it is whole. */
export interface ReadCopy {
  /** The file that the changes were made to; absent: to nothing. */
  readonly base?: string;
  /** The number of the first line, which says what the base has. */
  readonly first: number;
  /** Of the last change. */
  readonly last: number;
  /** Of the last change that a power cut does not undo. */
  readonly durable: number;
  /** How many lines are not what was written. */
  readonly damaged: number;
  /** In order, without what came to nothing. */
  changes(): Iterable<CopiedChange>;
}

/** Undefined where there is none, or nobody can tell where it begins. @param path of the database */
export function readCopy(path: string): ReadCopy | undefined {
  const { base, changes } = copyPaths(path);
  if (statSync(changes, { throwIfNoEntry: false }) === undefined) return undefined;
  const lines = splitLines(readFileSync(changes));
  const first = lines[0] && decodeChange(lines[0].toString());
  if (first === undefined || first.statements.length > 0) return undefined;
  const hasBase = statSync(base, { throwIfNoEntry: false }) !== undefined;
  if (!hasBase && first.number > 0) return undefined;
  const ends = lines.map((line) => readLineEnd(line.subarray(-40).toString("latin1")));
  const kept = keptLines(ends);
  const end = ends[kept.at(-1) ?? 0] ?? first;
  return {
    ...(hasBase ? { base } : {}),
    first: first.number,
    last: end.number,
    durable: end.durable,
    damaged: lines.filter((line) => decodeChange(line.toString()) === undefined).length,
    *changes() {
      for (const at of kept) {
        const change = decodeChange((lines[at] as Buffer).toString());
        if (change !== undefined) yield change;
      }
    },
  };
}

/** Places of lines: one takes the place of all before it that have its number or a higher one. */
function keptLines(ends: readonly ({ readonly number: number } | undefined)[]): readonly number[] {
  const kept: number[] = [];
  for (const [at, end] of ends.entries()) {
    if (at === 0 || end === undefined) continue;
    while (kept.length > 0 && (ends[kept.at(-1) as number]?.number ?? 0) >= end.number) kept.pop();
    kept.push(at);
  }
  return kept;
}

/** With their ends. */
function splitLines(bytes: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0x0a, at);
    const next = end < 0 ? bytes.length : end + 1;
    lines.push(bytes.subarray(at, next));
    at = next;
  }
  return lines;
}
