import {
  type Architecture,
  CONTROL_FD,
  emitReport,
  POLLFD,
  type Program,
  ProgramBuilder,
  reportBuffer,
} from "@orlop/kernel";
import { emitLoopback } from "./loopback.ts";

/**
 * A process that holds a new network namespace, its loopback device up, until it is killed or its zygote's other end has
 * gone. It reports `started`, with its pid, when that is there, and `failed` with the errno where it may not be.
 */
export function compileSpareNetwork(architecture: Architecture): Program {
  const p = new ProgramBuilder(architecture);
  const report = reportBuffer(p);
  const polls = p.buffer(POLLFD.size, "[{3, 0}]");
  const [wait, failed, end] = [p.label("wait"), p.label("failed"), p.label("end")];
  const pid = p.slot("pid");
  p.role("spare network");
  p.step({ action: "make a network namespace" });
  p.handler(failed);
  p.call("prctl", [p.flags("PR_SET_NAME"), p.text("orlop-spare"), 0, 0, 0]);
  p.call("unshare", [p.flags("CLONE_NEWNET")]);
  emitLoopback({ p });
  p.store(polls, 4, CONTROL_FD);
  p.call("getpid", [], { into: pid });
  emitReport(p, report, "started", { value: pid });
  p.step({ action: "hold it", why: "until somebody else is in it, or nobody will be" });
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
