import { emitReport, type Program, ProgramBuilder, reportBuffer } from "@orlop/kernel";
import type { HostView } from "../process/supervision.ts";
import {
  type CriuDirectories,
  emitAbandonCriu,
  emitAwaitCriu,
  emitBecomeCriu,
  emitCloneCriu,
  emitCriuChild,
  emitPrepareCriu,
  emitTalk,
} from "./emit-criu.ts";
import type { CriuProgram } from "./find-criu.ts";

interface DumpPlan extends CriuDirectories {
  readonly host: HostView;
  readonly criu: CriuProgram;
  /** A `criu_req`. */
  readonly request: Uint8Array;
  /** Descriptor, by its number in programs, that gets a NUL when CRIU serves pages. */
  readonly statusFd?: number;
}

/** Compiles one call of CRIU that saves a container: a process that talks to it, and CRIU itself. */
export function compileDump(plan: DumpPlan): Program {
  const p = new ProgramBuilder(plan.host.architecture);
  const report = reportBuffer(p);
  const failed = p.label("failed");
  const refused = p.label("criu failed");
  const child = p.label("criu");
  p.role("dump");
  p.step({ action: "prepare the dump" });
  p.handler(failed);
  p.call("rt_sigprocmask", [p.flags("SIG_SETMASK"), p.buffer(8, "[]"), 0, 8]);
  p.call("setsid", [], { ignore: ["EPERM"] });
  const talk = emitPrepareCriu(p, plan);
  emitCloneCriu(p, talk, child);
  p.handler(refused);
  const { statusFd } = plan;
  emitTalk(p, talk, plan.request, {
    ...(statusFd === undefined
      ? {}
      : { "status-ready": () => p.call("write", [statusFd, p.text(""), 1], { ignore: "any" }) }),
  });
  p.handler(failed);
  emitAwaitCriu(p, talk);
  p.step({ action: "say that it is done" });
  emitReport(p, report, "created");
  emitReport(p, report, "exited");
  emitReport(p, report, "ended", { index: 0 });
  p.call("exit_group", [0]);
  p.mark(refused);
  p.handler(failed);
  emitAbandonCriu(p, talk, report);
  p.fail("ECANCELED");
  p.mark(failed);
  emitReport(p, report, "failed", { index: p.failedIndex, value: p.failedErrno });
  emitReport(p, report, "ended", { index: 0 });
  p.call("exit_group", [1]);
  p.mark(child);
  emitCriuChild(p, report, () => {
    p.call("setpgid", [0, 0]);
    emitBecomeCriu(p, plan.criu);
  });
  return p.build();
}
