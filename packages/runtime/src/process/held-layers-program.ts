import type { ErofsLayerFiles } from "@orlop/core";
import {
  type Architecture,
  CONTROL_FD,
  emitReport,
  POLLFD,
  type Program,
  ProgramBuilder,
  reportBuffer,
} from "@orlop/kernel";
import { emitNewImage } from "./overlay-root.ts";

/** So high that no other process has a directory open there, should one get the number of a holder that was killed. */
export const HELD_FD_FIRST = 901;

/**
 * A process that holds mounts of images which are attached nowhere, as descriptors from {@link HELD_FD_FIRST} on, until it is
 * killed or its zygote's other end has gone. It reports `started`, with its pid, when all are there, and `failed` with the errno
 * where one may not be.
 */
export function compileHeldLayers(architecture: Architecture, layers: readonly ErofsLayerFiles[]): Program {
  const p = new ProgramBuilder(architecture);
  const report = reportBuffer(p);
  const polls = p.buffer(POLLFD.size, "[{3, 0}]");
  const [wait, failed, end] = [p.label("wait"), p.label("failed"), p.label("end")];
  const [pid, image] = [p.slot("pid"), p.slot("image")];
  p.role("held layers");
  p.step({ action: "mount the images" });
  p.handler(failed);
  p.call("prctl", [p.flags("PR_SET_NAME"), p.text("orlop-layers"), 0, 0, 0]);
  for (const [index, layer] of layers.entries()) {
    emitNewImage({ p }, layer, image);
    p.call("dup3", [image, HELD_FD_FIRST + index, p.flags("O_CLOEXEC")]);
    p.call("close", [image]);
  }
  p.store(polls, 4, CONTROL_FD);
  p.call("getpid", [], { into: pid });
  emitReport(p, report, "started", { value: pid });
  p.step({ action: "hold them", why: "until nobody has used them for a while" });
  p.mark(wait);
  p.call("ppoll", [polls, 1, 0, 0, 8], { on: ["EINTR"], goto: wait });
  p.jump(end);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.mark(end);
  emitReport(p, report, "ended", { index: 0 });
  p.call("exit_group", [0]);
  return p.build();
}
