import { OrlopError } from "@orlop/core";
import type { CgroupLayout, Program } from "@orlop/kernel";
import { criuFailure } from "../criu/criu-failure.ts";
import { findCriu } from "../criu/find-criu.ts";
import { planRestore, prepareRestore, restoredTimeNamespace, restoreLog } from "../criu/plan-restore.ts";
import type { CreatePlan } from "../process/compilation.ts";
import type { OciRestore } from "./oci-containers.ts";

/** A restore of which nothing has been made yet. */
interface PreparedRestore {
  readonly furtherNamespaces: readonly "time"[];
  compile(plan: CreatePlan, layout: CgroupLayout): Program;
  /** What the program failed with, in CRIU's words where it was CRIU that failed. */
  failure(error: OrlopError): OrlopError;
}

/** @throws OrlopError `unsupported` without CRIU, `not-found` or `invalid` for images that cannot be used */
export async function prepareContainerRestore(request: OciRestore): Promise<PreparedRestore> {
  const what = `restore container "${request.id}"`;
  refuseNotRestorable(what, request);
  const criu = await findCriu(request.env, what);
  prepareRestore(request);
  return {
    furtherNamespaces: restoredTimeNamespace(),
    compile: (plan, layout) => planRestore(plan, criu, request, layout),
    failure: (error) => criuFailure(what, restoreLog(request), error),
  };
}

/** What a new process can be given and one that is restored cannot: it has its own. */
function refuseNotRestorable(what: string, { preserveFds, keepGroups }: OciRestore): void {
  const refused = preserveFds > 0 ? "descriptors of the caller's" : keepGroups ? "groups of the caller's" : undefined;
  if (refused === undefined) return;
  throw new OrlopError("unsupported", `Cannot ${what}: it cannot be given ${refused}; it has those it was saved with`);
}
