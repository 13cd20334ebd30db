import {
  type Architecture,
  CONTROL_FD,
  emitReport,
  POLLFD,
  type Program,
  ProgramBuilder,
  reportBuffer,
} from "@orlop/kernel";

/**
 * Makes pipes and holds them. Of each it says `started`, with its own pid as the index and the two descriptors as the value,
 * the reader's in the lower half. It stays until it is killed, or until nobody is there any more who could have opened them.
 */
export function pipeProgram(architecture: Architecture, count: number): Program {
  const p = new ProgramBuilder(architecture);
  const report = reportBuffer(p);
  const failed = p.label("failed");
  const wait = p.label("wait");
  const ends = p.buffer(8, "{reader, writer}");
  p.role("pipe maker");
  p.step({ action: "make pipes", why: "between a program and who has started it" });
  p.handler(failed);
  p.call("getpid", [], { into: p.slot("pid") });
  for (let made = 0; made < count; made++) {
    p.call("pipe2", [ends, p.flags("O_CLOEXEC")]);
    p.load(p.slot("ends"), ends, 8);
    emitReport(p, report, "started", { index: p.slot("pid"), value: p.slot("ends") });
  }
  p.step({ action: "hold them until they have been opened" });
  // Without any event: that the other end has closed is told in any case.
  const poll = p.struct(POLLFD, { fd: CONTROL_FD });
  p.mark(wait);
  p.call("ppoll", [poll, 1, 0, 0, 8], { on: ["EINTR"], goto: wait });
  p.call("exit_group", [0]);
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  p.call("exit_group", [1]);
  return p.build();
}
