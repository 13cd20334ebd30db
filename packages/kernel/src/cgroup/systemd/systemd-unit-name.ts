import { OrlopError } from "@orlop/core";

/** The three parts of `slice:prefix:name`. */
export interface SystemdScope {
  readonly slice: string;
  readonly prefix: string;
  readonly name: string;
}

/** UNIT_NAME_MAX of systemd. */
const UNIT_NAME_LENGTH_MAX = 255;

/**
 * The unit that stands for the container: `prefix-name.scope`, or the slice itself when the name is one (as
 * the kubelet does for pods). Throws OrlopError("invalid") on characters that systemd.unit(5) does not allow.
 */
export function unitNameOf(scope: SystemdScope, field: string): string {
  const unit = scope.name.endsWith(".slice") ? scope.name : `${scope.prefix}-${scope.name}.scope`;
  if (!/^[A-Za-z0-9:_.\\@-]+$/.test(unit)) {
    throw invalid(unit, field, "a unit's name has letters, digits and : _ . \\ @ - only");
  }
  if (unit.length > UNIT_NAME_LENGTH_MAX) throw invalid(unit, field, `it is longer than ${UNIT_NAME_LENGTH_MAX} bytes`);
  return unit;
}

/**
 * The nested cgroups of a slice: dashes are levels, `a-b.slice` lies in `a.slice` (systemd.slice(5)); `-.slice`
 * is the root. Throws OrlopError("invalid") on a name that is no slice.
 */
export function expandSlice(slice: string, field: string): string[] {
  if (slice === "-.slice") return [];
  const stem = slice.endsWith(".slice") ? slice.slice(0, -".slice".length) : "";
  const parts = stem.split("-");
  if (!/^[A-Za-z0-9:_.\\@-]+$/.test(stem) || parts.includes("")) {
    throw invalid(slice, field, 'a slice is called like "a.slice" or "a-b.slice"');
  }
  return parts.map((_, index) => `${parts.slice(0, index + 1).join("-")}.slice`);
}

function invalid(unit: string, field: string, what: string): OrlopError {
  return new OrlopError("invalid", `Cannot use ${field} unit ${JSON.stringify(unit)}: ${what}`, {
    operation: "plan cgroup",
    field,
  });
}
