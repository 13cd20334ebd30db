import { OrlopError, type RuntimeSpec } from "@orlop/core";

/** Fields of the spec that this runtime does not do, each with what is the case. They are refused, never ignored. */
const UNSUPPORTED: readonly (readonly [field: string, given: (spec: RuntimeSpec) => boolean, why: string])[] = [
  ["linux.netDevices", ({ linux }) => hasKeys(linux?.netDevices), "moving network devices is not done yet"],
  ["linux.memoryPolicy", ({ linux }) => linux?.memoryPolicy !== undefined, "memory policies are not done yet"],
  ["linux.intelRdt", ({ linux }) => linux?.intelRdt !== undefined, "resource director groups are not done yet"],
  ["linux.mountLabel", ({ linux }) => (linux?.mountLabel ?? "") !== "", "SELinux labels on mounts are not done yet"],
];

/** Throws `unsupported` for the first field that is given and not done. */
export function refuseUnsupportedFields(spec: RuntimeSpec): void {
  for (const [field, given, why] of UNSUPPORTED) {
    if (given(spec)) throw new OrlopError("unsupported", `Cannot use config field "${field}": ${why}`, { field });
  }
}

/** Names of the fields that are refused. */
export function unsupportedFields(): readonly string[] {
  return UNSUPPORTED.map(([field]) => field);
}

function hasKeys(value: object | undefined): boolean {
  return value !== undefined && Object.keys(value).length > 0;
}
