import { emitReport, hostArchitecture, type Program, ProgramBuilder, reportBuffer, Zygote } from "@orlop/kernel";
import type { BenchRow } from "../bench-row.ts";
import { interleave, type Rounds } from "../interleave.ts";
import { OURS } from "../peer-rows.ts";
import { median } from "../statistics.ts";

function smallestProgram(): Program {
  const p = new ProgramBuilder(hostArchitecture());
  p.role("program");
  p.step({ action: "say that it has run" });
  emitReport(p, reportBuffer(p), "ended", { index: 0 });
  p.call("exit_group", [0]);
  return p.build();
}

async function startOnce(): Promise<{ readonly time: number }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const program = smallestProgram();
  const start = performance.now();
  const zygote = Zygote.start({ stdio: "ignore" });
  zygote.submit(program, ({ kind }) => {
    if (kind === "ended") resolve();
  });
  await promise;
  const time = performance.now() - start;
  zygote.close();
  return { time };
}

/** What a process pays once before its first container. */
export async function zygoteStartRows(rounds: Rounds): Promise<readonly BenchRow[]> {
  const series = await interleave([{ name: OURS, once: startOnce }], rounds);
  const what = "start of a zygote: from its spawn by Node to the end of the first program in it";
  return [{ name: "zygote-start", what, unit: "ms", ours: median(series.get(OURS)?.time ?? []) }];
}
