import {
  type Architecture,
  CONTROL_FD,
  emitReport,
  POLLFD,
  type Program,
  ProgramBuilder,
  reportBuffer,
} from "@orlop/kernel";

interface Holding {
  /** In what is said of its steps. */
  readonly role: string;
  /** Of its process, 15 bytes at the most. */
  readonly name: string;
  /** What it does first. */
  readonly action: string;
  /** Until when it holds what that has made. */
  readonly why: string;
}

/**
 * A process that holds what `emit` has made, until it is killed or its zygote's other end has gone. It reports `started`, with
 * its pid, when that is there, and `failed` with the errno where it may not be.
 */
export function compileHolder(
  architecture: Architecture,
  { role, name, action, why }: Holding,
  emit: (p: ProgramBuilder) => void,
): Program {
  const p = new ProgramBuilder(architecture);
  const report = reportBuffer(p);
  const polls = p.buffer(POLLFD.size, "[{3, 0}]");
  const [wait, failed, end] = [p.label("wait"), p.label("failed"), p.label("end")];
  const pid = p.slot("pid");
  p.role(role);
  p.step({ action });
  p.handler(failed);
  p.call("prctl", [p.flags("PR_SET_NAME"), p.text(name), 0, 0, 0]);
  emit(p);
  p.store(polls, 4, CONTROL_FD);
  p.call("getpid", [], { into: pid });
  emitReport(p, report, "started", { value: pid });
  p.step({ action: "hold it", why });
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

/** Ends such a process. Its number is nobody else's before the zygote has told of its end. */
export function endHolder(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
