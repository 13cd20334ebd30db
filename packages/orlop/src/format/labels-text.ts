import type { Labels } from "@orlop/core";

/** Labels in one field of a list, as docker has them: sorted. */
export function labelsText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(",");
}

/** Docker's method of what has labels: `{{.Label "team"}}`, empty where there is no such label. */
export function labelMethod(labels: Labels): { Label(name: string): string } {
  return { Label: (name) => (Object.hasOwn(labels, name) ? (labels[name] ?? "") : "") };
}
