import { type Architecture, CONTROL_FD, emitFindArguments, type Program, ProgramBuilder } from "@orlop/kernel";

/**
 * What a launcher becomes when the process that serves it cannot carry out its call after all: Node, which does all of it.
 *
 * @param alone an absolute path; it is executed with the call's own words
 * @param descriptor where the caller's descriptor 3 has gone; negative: there was none
 */
export function compileGoOnAlone(architecture: Architecture, alone: string, descriptor: number): Program {
  const p = new ProgramBuilder(architecture);
  p.role("alone");
  emitFindArguments(p);
  p.step({ action: "give the caller its descriptors back" });
  if (descriptor >= 0) p.call("dup3", [descriptor, CONTROL_FD, 0]);
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), p.buffer(8, "[]"), 0, 8]);
  p.step({ action: `execute "${alone}"`, why: "Node does the whole call" });
  p.call("execve", [p.text(alone), p.slot("argv"), p.slot("envp")]);
  p.fail("ENOEXEC");
  return p.build();
}
