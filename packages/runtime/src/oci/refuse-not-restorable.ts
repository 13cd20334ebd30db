import { OrlopError } from "@orlop/core";
import type { OciRestore } from "./oci-containers.ts";

/** What a new process can be given and one that is restored cannot: it has its own. @throws OrlopError `unsupported` */
export function refuseNotRestorable({ id, preserveFds, keepGroups }: OciRestore): void {
  const refused = preserveFds > 0 ? "descriptors of the caller's" : keepGroups ? "groups of the caller's" : undefined;
  if (refused === undefined) return;
  const what = `it cannot be given ${refused}; it has those it was saved with`;
  throw new OrlopError("unsupported", `Cannot restore container "${id}": ${what}`);
}
