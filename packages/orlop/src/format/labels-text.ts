import type { Labels } from "@orlop/core";

/** Labels in one field of a list, as docker has them: sorted. */
export function labelsText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(",");
}
