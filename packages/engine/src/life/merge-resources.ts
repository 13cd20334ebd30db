import type { LinuxResources } from "@orlop/core";

/** Limits with some of them changed; those of a group that are not named stay. */
export function mergeResources(known: LinuxResources, changes: LinuxResources): LinuxResources {
  const groups = Object.entries(changes).map(([name, value]) => [name, mergeGroup(Reflect.get(known, name), value)]);
  return { ...known, ...Object.fromEntries(groups) };
}

function mergeGroup(known: unknown, value: unknown): unknown {
  const isGroup = (each: unknown): each is object => typeof each === "object" && each !== null && !Array.isArray(each);
  return isGroup(known) && isGroup(value) ? { ...known, ...value } : value;
}
