import { constants } from "node:os";
import { type Architecture, emitReport, type Program, ProgramBuilder, reportBuffer } from "@orlop/kernel";

/** What a launcher becomes that a signal ends. */
export function compileEndBySignal(architecture: Architecture, signal: number): Program {
  const p = new ProgramBuilder(architecture);
  const pid = p.slot("pid");
  p.role("end");
  p.step({ action: `end by signal ${signal}` });
  p.call("getpid", [], { into: pid });
  p.call("kill", [pid, signal]);
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), p.buffer(8, "[]"), 0, 8]);
  // One that has been blocked is there as soon as it is not.
  p.call("exit_group", [128 + signal]);
  return p.build();
}

/** Stops the process that executes this in a child, as its terminal's job control does. */
export function compileStop(architecture: Architecture): Program {
  const p = new ProgramBuilder(architecture);
  const pid = p.slot("pid");
  p.role("stop");
  p.step({ action: "stop the launcher" });
  p.call("getppid", [], { into: pid });
  p.call("kill", [pid, p.number(constants.signals.SIGSTOP, "SIGSTOP")]);
  emitReport(p, reportBuffer(p), "ended", { index: 0 });
  p.call("exit_group", [0]);
  return p.build();
}
