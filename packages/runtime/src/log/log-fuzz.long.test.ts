import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { patience, withTemporaryDirectory } from "@orlop/testkit";
import { formatCri, formatJsonFile } from "./format-log.ts";
import { logBytes, type RecordBytes } from "./log-bytes-fixture.ts";
import type { LogEntry } from "./log-entry.ts";
import { type ReadLogOptions, readLog } from "./read-log.ts";

const ROUNDS = 400;

/** `ORLOP_TEST_SEED` repeats a run; the seed is printed. */
const seed = Number(process.env.ORLOP_TEST_SEED ?? Date.now() % 1_000_000);
let state = seed >>> 0;

/** Below `limit`, by a linear congruential generator with the constants of Numerical Recipes. */
function random(limit: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

const KINDS = ["stdout", "stderr", "start", "resume", "end", "dropped"] as const;

function randomRecord(): RecordBytes {
  const kind = KINDS[random(KINDS.length)] ?? "end";
  const holds = kind === "stdout" || kind === "stderr";
  const data = Buffer.from(Array.from({ length: holds ? random(60) : 0 }, () => (random(8) === 0 ? 10 : random(256))));
  return { kind, data: kind === "dropped" ? Buffer.alloc(8, random(256)) : data, seconds: random(2 ** 31) };
}

/** Numbers that decoders have been caught with. */
const NUMBERS = [0, 1, 31, 0x7fff_ffff, 0x8000_0000, 0xffff_fff8, 0xffff_ffff, 65_536, 65_537];

/** Damages a file in one of the ways that files are damaged, or that somebody would who means harm. */
function damage(bytes: Buffer): Buffer {
  const at = random(bytes.length);
  switch (random(5)) {
    case 0:
      bytes[at] = random(256);
      return bytes;
    case 1:
      return bytes.subarray(0, at);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(random(100)), bytes.subarray(at)]);
    case 3:
      bytes.writeUInt32LE(NUMBERS[random(NUMBERS.length)] ?? 0, 4 * random(Math.floor(bytes.length / 4)));
      return bytes;
    default:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(bytes.length))]);
  }
}

/** What can be read, and the error behind it. */
async function readAll(file: string, options: ReadLogOptions): Promise<[readonly LogEntry[], unknown]> {
  const entries: LogEntry[] = [];
  try {
    for await (const entry of readLog(file, options)) entries.push(entry);
  } catch (error) {
    return [entries, error];
  }
  return [entries, undefined];
}

test("a log that is damaged anyhow is read as far as it goes, with an error that says where it does not", {
  timeout: patience(60_000),
}, async (t) => {
  t.diagnostic(`seed ${seed}`);
  let damaged = 0;
  await withTemporaryDirectory(async (directory) => {
    const file = join(directory, "log");
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = damage(logBytes(Array.from({ length: random(12) }, randomRecord)));
      writeFileSync(file, bytes);
      for (const options of [
        {},
        { raw: true },
        { tail: random(5) },
        { follow: true, signal: AbortSignal.timeout(5) },
      ]) {
        const [entries, error] = await readAll(file, options);
        for (const entry of entries) assert.ok(formatCri(entry).length + formatJsonFile(entry).length > 0);
        const written = entries.filter(({ droppedBytes }) => droppedBytes === undefined);
        const total = written.reduce((sum, { data }) => sum + data.length, 0);
        assert.ok(total <= bytes.length, `round ${round}`);
        if (error === undefined) continue;
        damaged++;
        assert(error instanceof OrlopError, `round ${round}: ${error}`);
        assert.match(error.message, /^Cannot read log ".*": at byte \d+ /);
      }
    }
  });
  assert.ok(damaged > ROUNDS / 4, `${damaged} errors`);
});
