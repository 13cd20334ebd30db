import type { LinuxBlockIODevice, LinuxResources } from "@orlop/core";

/** Limits with some of them changed; those of a group that are not named stay. */
export function mergeResources(known: LinuxResources, changes: LinuxResources): LinuxResources {
  const groups = Object.entries(changes).map(([name, value]) => [name, mergeGroup(Reflect.get(known, name), value)]);
  return { ...known, ...Object.fromEntries(groups) };
}

function mergeGroup(known: unknown, value: unknown): unknown {
  const isGroup = (each: unknown): each is object => typeof each === "object" && each !== null && !Array.isArray(each);
  if (!isGroup(known) || !isGroup(value)) return value;
  const lists = Object.entries(value).flatMap(([name, list]) =>
    Array.isArray(list) ? [[name, mergeDevices(Reflect.get(known, name), list)]] : [],
  );
  return { ...known, ...value, ...Object.fromEntries(lists) };
}

/** Limits of devices that are not named stay, as they do in the kernel. */
function mergeDevices(known: unknown, changed: readonly LinuxBlockIODevice[]): readonly LinuxBlockIODevice[] {
  const isChanged = ({ major, minor }: LinuxBlockIODevice): boolean =>
    changed.some((each) => each.major === major && each.minor === minor);
  const kept = Array.isArray(known) ? (known as readonly LinuxBlockIODevice[]).filter((each) => !isChanged(each)) : [];
  return [...kept, ...changed];
}
