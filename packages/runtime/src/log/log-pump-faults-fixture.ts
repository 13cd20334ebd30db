import assert from "node:assert/strict";
import type { Program } from "@orlop/kernel";
import { stepAt } from "../process/faulty-program-fixture.ts";
import { PumpBench } from "./log-pump-fixture.ts";
import type { LogPumpOptions } from "./start-log-pump.ts";

/** How many logs are written at once. */
const BATCH = 8;

/** A limit that makes the pump rotate a few times. */
export const OPTIONS: Partial<LogPumpOptions> = { maxSizeBytes: 4096, maxFiles: 12 };

export const STREAMS: readonly ["stdout", "stderr"] = ["stdout", "stderr"];

/** What a container writes in these tests, in its parts. */
export const PARTS: Readonly<Record<"stdout" | "stderr", readonly string[]>> = {
  stdout: Array.from({ length: 6 }, (_, index) => `${`out ${index} `.padEnd(1500, "o")}\n`),
  stderr: Array.from({ length: 6 }, (_, index) => `err ${index}\n`),
};

/** The program of a pump with these options. */
export async function programOf(options: Partial<LogPumpOptions>): Promise<Program> {
  await using bench = new PumpBench();
  let found: Program | undefined;
  bench.mutate = (program) => {
    found = program;
    return program;
  };
  const pump = await bench.start(options);
  for (const name of STREAMS) bench.writer(name).close();
  await pump.ended;
  assert(found !== undefined);
  return found;
}

/** Does it for all, some at a time. */
export async function inBatches<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += BATCH) await Promise.all(all.slice(at, at + BATCH).map(work));
}

/** Memory is given back only where it is known what is executed before. */
export function canBeBroken(program: Program, index: number): boolean {
  return !stepAt(program, index).action.startsWith("give back");
}

/** Index of what a pump gives back memory by, when it is ready. */
export function loopStart(program: Program): number {
  return program.instructions.findIndex((_, index) => !canBeBroken(program, index));
}
