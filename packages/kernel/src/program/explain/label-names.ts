import type { Program } from "../program.ts";

/** A name for every instruction that is a target; equal names are numbered in the order of the program. */
export function labelNames({ instructions }: Program): ReadonlyMap<number, string> {
  const first = new Map<number, string>();
  for (const [index, { target }] of instructions.entries()) {
    // The target of an ignored errno is where the program goes on anyway: that place needs no name.
    if (target?.index === undefined || target.index === index + 1) continue;
    if (!first.has(target.index)) first.set(target.index, target.name);
  }
  const uses = new Map<string, number>();
  const names = new Map<number, string>();
  for (const [index, name] of [...first].sort(([a], [b]) => a - b)) {
    const use = (uses.get(name) ?? 0) + 1;
    uses.set(name, use);
    names.set(index, use === 1 ? name : `${name} ${use}`);
  }
  return names;
}
