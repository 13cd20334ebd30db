import type { OrlopError } from "@orlop/core";
import type { CgroupLayout, Program } from "@orlop/kernel";
import type { CreatePlan } from "../process/compilation.ts";
import { criuFailure } from "./criu-failure.ts";
import { findCriu } from "./find-criu.ts";
import { planRestore, prepareRestore, type RestoreChoices, restoredTimeNamespace, restoreLog } from "./plan-restore.ts";

interface RestoringProgram {
  compile(plan: CreatePlan): Program;
  readonly furtherNamespaces: readonly "time"[];
}

/** A restore of which nothing has been made yet. */
export interface Restoring {
  /**
   * What makes the program another one than that of a new container.
   *
   * @param stops whether it waits for a command once the namespaces are there
   */
  program(layout: CgroupLayout, stops: boolean): RestoringProgram;
  /** What is done at that stop. */
  connect?(pid: number): Promise<void>;
  /** What the program failed with, in CRIU's words where it was CRIU that failed. */
  failure(error: OrlopError): OrlopError;
}

/**
 * @param env leads to CRIU
 * @throws OrlopError `unsupported` without CRIU, `not-found` or `invalid` for images that cannot be used
 */
export async function beginRestoring(
  id: string,
  env: Readonly<Record<string, string | undefined>>,
  { connect, ...choices }: RestoreChoices & Pick<Restoring, "connect">,
): Promise<Restoring> {
  const what = `restore container "${id}"`;
  const criu = await findCriu(env, what);
  prepareRestore(choices);
  return {
    program: (layout, stops) => ({
      compile: (plan) => planRestore(plan, criu, choices, layout, stops),
      furtherNamespaces: restoredTimeNamespace(),
    }),
    ...(connect === undefined ? {} : { connect }),
    failure: (error) => criuFailure(what, restoreLog(choices), error),
  };
}
