import { type Architecture, emitReport, ProgramBuilder, reportBuffer } from "@orlop/kernel";
import { FollowedProgram } from "./followed-program.ts";
import type { ZygoteLike } from "./own-zygote.ts";

/** Has a few calls done that Node does not know, in the zygote's namespaces. Rejects when one fails: it cannot `action`. */
export async function runProgram(
  zygote: ZygoteLike,
  architecture: Architecture,
  action: string,
  emit: (p: ProgramBuilder) => void,
): Promise<void> {
  const p = new ProgramBuilder(architecture);
  const failed = p.label("failed");
  const report = reportBuffer(p);
  p.step({ action });
  p.handler(failed);
  emit(p);
  emitReport(p, report, "created");
  emitReport(p, report, "exited");
  emitReport(p, report, "ended", { index: 0 });
  p.call("exit_group", [0]);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  emitReport(p, report, "ended", { index: 0 });
  p.call("exit_group", [0]);
  const program = p.build();
  const followed = new FollowedProgram(program);
  zygote.submit(program, followed.onReport);
  await followed.exited.promise;
}
