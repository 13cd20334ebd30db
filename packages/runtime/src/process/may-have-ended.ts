import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ContainerDirectory } from "./container-directory.ts";

/** By one look at the machine's processes, and whether each has a reaper, or one that was killed: others remove their pipe. */
export function mayHaveEnded(root: string, inits: ReadonlyMap<string, number>): ReadonlySet<string> {
  const living = new Set(readdirSync("/proc"));
  const mayHave = ([id, pid]: readonly [string, number]): boolean =>
    !living.has(String(pid)) || !new ContainerDirectory(join(root, id)).hasControl();
  return new Set([...inits].filter(mayHave).map(([id]) => id));
}
