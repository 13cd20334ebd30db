import { OrlopError, Sandbox } from "orlop";
import type { BenchRow } from "../bench-row.ts";
import { interleave, type Rounds } from "../interleave.ts";
import { OURS } from "../peer-rows.ts";
import { median } from "../statistics.ts";

const GOAL_MS = 10;

async function createOnce(): Promise<{ readonly time: number }> {
  const start = performance.now();
  await using box = await Sandbox.create({ image: "host" });
  const { exitCode } = await box.$`true`;
  const time = performance.now() - start;
  if (exitCode !== 0) throw new OrlopError("failed", `Cannot measure sandboxes: true ended with exit code ${exitCode}`);
  return { time };
}

/** A sandbox of this machine's own files by the library, in a process that has made some before. */
export async function sandboxRows(rounds: Rounds): Promise<readonly BenchRow[]> {
  const series = await interleave([{ name: OURS, once: createOnce }], rounds);
  const what = "from Sandbox.create, of the host's files, to the result of `true` in it; its removal is not counted";
  const ours = median(series.get(OURS)?.time ?? []);
  return [{ name: "sandbox-create-to-result", what, unit: "ms", ours, goal: { of: "ours", max: GOAL_MS } }];
}
