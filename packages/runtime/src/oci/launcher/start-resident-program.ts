import { constants } from "node:os";
import { type Architecture, emitReport, type Program, ProgramBuilder, reportBuffer } from "@orlop/kernel";

/** A program that starts another one as a daemon: nothing of this process open, a session of its own, nobody's child. */
export function compileStartResident(
  architecture: Architecture,
  words: readonly string[],
  environment: readonly string[],
): Program {
  const p = new ProgramBuilder(architecture);
  const child = p.slot("child");
  const daemon = p.label("daemon");
  p.role("starter");
  p.step({ action: "start the resident process" });
  p.call("clone", [p.number(constants.signals.SIGCHLD, "SIGCHLD"), 0, 0, 0, 0], { into: child });
  p.branch(child, "eq", 0, daemon);
  emitReport(p, reportBuffer(p), "ended", { index: 0 });
  p.call("exit_group", [0]);
  p.mark(daemon);
  p.role("daemon");
  p.step({ action: "lead a session of its own, with nothing open and no signal blocked" });
  p.call("setsid", [], { ignore: ["EPERM"] });
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), p.buffer(8, "[]"), 0, 8]);
  p.call("close_range", [3, p.number(0xffff_ffff, "~0U"), 0]);
  p.call("chdir", [p.text("/")]);
  p.step({ action: `execute "${words[0]}"` });
  p.call("execve", [p.text(words[0] ?? ""), p.vector(words), p.vector(environment)]);
  p.fail("ENOEXEC");
  return p.build();
}
