import { OrlopError, type RuntimeSpec } from "@orlop/core";
import { OCI_SUPPORT } from "./oci-support.ts";

const CHECKED = Object.values(OCI_SUPPORT)
  .flat()
  .filter(({ refusedWhen }) => refusedWhen !== undefined);

/** Throws `unsupported` for the first field that is given and not done. */
export function refuseUnsupported(spec: RuntimeSpec): void {
  for (const { field, note, refusedWhen } of CHECKED) {
    if (refusedWhen?.(spec) !== true) continue;
    throw new OrlopError("unsupported", `Cannot use config field "${field}": ${note}`, { field });
  }
}

/** Names of the fields that are always refused. */
export function refusedFields(): readonly string[] {
  return CHECKED.filter(({ support }) => support === "refused").map(({ field }) => field);
}
