import { type Program, ProgramBuilder, reportBuffer } from "@orlop/kernel";
import type { Compilation, CreatePlan } from "./compilation.ts";
import { emitInit } from "./init-process.ts";
import { emitReaper } from "./reaper-process.ts";

/**
 * Compiles one container into the program that makes it.
 *
 * Two processes run it. The *reaper* is the zygote's child: it makes the cgroups, starts init, tells of its fate, waits
 * for it, records its exit and removes what was made. *init* enters the new namespaces, builds the file system, gives up
 * its privileges and executes the user's program.
 */
export function compileCreate(plan: CreatePlan): Program {
  const p = new ProgramBuilder(plan.host.architecture);
  const namespaces = new Map((plan.request.spec.linux?.namespaces ?? []).map(({ type, path }) => [type, path]));
  const c: Compilation = {
    p,
    plan,
    namespaces,
    userNamespace: namespaces.has("user"),
    privileged: plan.host.uid === 0,
    slots: {
      state: p.slot("state"),
      control: p.slot("control"),
      syncReaper: p.slot("sync_reaper"),
      syncInit: p.slot("sync_init"),
      pidfd: p.slot("pidfd"),
      child: p.slot("child"),
      root: p.slot("root"),
      stdio: [p.slot("stdin"), p.slot("stdout"), p.slot("stderr")],
    },
    labels: {
      init: p.label("init"),
      initFailed: p.label("init failed"),
      reaperFailed: p.label("reaper failed"),
    },
    report: reportBuffer(p),
  };
  emitReaper(c);
  p.mark(c.labels.init);
  emitInit(c);
  return p.build();
}
