import { type Mount, OrlopError } from "@orlop/core";
import type { CreatePlan } from "./compilation.ts";
import { absoluteSource, type PlannedMount, plannedMounts } from "./mount-sources.ts";
import type { Warn } from "./warn.ts";

/** Options of memory that callers of runtimes leave on binds. mount(2) takes any there, and does nothing with them. */
const OF_MEMORY: ReadonlySet<string> = new Set(["mode", "size", "nr_inodes", "nr_blocks", "uid", "gid"]);

type DataOption = readonly [key: string, value: string | undefined];

/** @throws OrlopError `invalid` for a bind with options of a file system, except those of memory */
export function checkBindOptions(plan: CreatePlan, { mount, field, options }: PlannedMount): void {
  const unknown = options.data.find((option) => !isOfMemory(option));
  if (unknown === undefined) return;
  const source = absoluteSource({ plan }, mount.source ?? "");
  throw new OrlopError("invalid", `Cannot bind "${source}": a bind has no option "${optionText(unknown)}"`, {
    field: `${field}.options`,
  });
}

/** Tells of those: the file system that a bind shows has what it has. */
export function warnOfBindOptions(plan: CreatePlan, warn: Warn): void {
  // Few have any, and sorting the options of all mounts is a good part of what is done for a container.
  if (!(plan.request.spec.mounts ?? []).some(mayHaveSome)) return;
  for (const { mount, options } of plannedMounts({ plan })) {
    if (options.bind === "no") continue;
    const words = options.data.filter(isOfMemory).map(optionText).join(", ");
    if (words === "") continue;
    warn(`Cannot give "${mount.destination}" the options ${words}: it is a bind, which has none; they are left out`);
  }
}

function mayHaveSome({ type, options = [] }: Mount): boolean {
  const binds = type === "bind" || options.includes("bind") || options.includes("rbind");
  return binds && options.some((word) => isOfMemory([word.split("=", 1)[0] ?? "", word]));
}

function isOfMemory([key, value]: DataOption): boolean {
  return value !== undefined && OF_MEMORY.has(key);
}

function optionText([key, value]: DataOption): string {
  return value === undefined ? key : `${key}=${value}`;
}
