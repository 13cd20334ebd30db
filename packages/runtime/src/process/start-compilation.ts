import type { Compilation, CreatePlan } from "./compilation.ts";
import { rlimitsFromReaper } from "./rlimits.ts";
import { superviseIn } from "./supervision.ts";

/** An empty program for a container, with what all of its steps share. */
export function startCompilation(plan: CreatePlan): Compilation {
  const { request, host } = plan;
  const namespaces = new Map((request.spec.linux?.namespaces ?? []).map(({ type, path }) => [type, path]));
  const supervision = superviseIn({
    host,
    stateDirectory: plan.stateDirectory,
    stdio: request.stdio,
    terminal: request.spec.process?.terminal === true,
    detached: request.detached === true,
    timeLimitMs: request.timeLimitMs,
    rlimitsFromReaper: rlimitsFromReaper(request.spec.process, host, namespaces.has("user")),
    ...plan.style,
  });
  return {
    ...supervision,
    plan,
    namespaces,
    userNamespace: namespaces.has("user"),
    withinUserNamespace: namespaces.has("user") || host.rootless,
    privileged: host.uid === 0,
    root: supervision.p.slot("root"),
    proc: supervision.p.slot("proc"),
  };
}
