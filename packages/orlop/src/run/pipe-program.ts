import { type Architecture, emitReport, type Program, reportBuffer } from "@orlop/kernel";
import { compileHolder } from "@orlop/runtime";

/**
 * Makes pipes and holds them until they have been opened. Of each it says `created`, with the two descriptors as the value,
 * the reader's in the lower half; then `started`, as holders do.
 */
export function pipeProgram(architecture: Architecture, count: number): Program {
  const holding = {
    role: "pipe maker",
    name: "orlop-pipes",
    action: "make pipes between a program and who has started it",
    why: "until they have been opened",
  };
  return compileHolder(architecture, holding, (p) => {
    const report = reportBuffer(p);
    const ends = p.buffer(8, "{reader, writer}");
    const value = p.slot("ends");
    for (let made = 0; made < count; made++) {
      p.call("pipe2", [ends, p.flags("O_CLOEXEC")]);
      p.load(value, ends, 8);
      emitReport(p, report, "created", { value });
    }
  });
}
