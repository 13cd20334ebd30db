import type { Labels } from "@orlop/core";

/** Undefined removes a label. */
export function changeLabels(labels: Labels, changes: Readonly<Record<string, string | undefined>>): Labels {
  const all = Object.entries({ ...labels, ...changes });
  return Object.fromEntries(all.filter((each): each is [string, string] => each[1] !== undefined));
}
