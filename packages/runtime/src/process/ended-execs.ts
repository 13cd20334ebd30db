import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { EXECS_REMEMBERED_MIN } from "@orlop/core";
import { ContainerDirectory } from "./container-directory.ts";

/** When there are more directories of execs than this, those of ended ones are looked at. */
const EXECS_UNLOOKED_MAX: number = 2 * EXECS_REMEMBERED_MIN;

interface EndedExec {
  readonly directory: ContainerDirectory;
  /** Somebody has waited for it. */
  readonly collected: boolean;
  /** Of its last change: its end, or the first wait after it. */
  readonly changedAtMs: number;
}

/**
 * Removes the directories of ended execs but for {@link EXECS_REMEMBERED_MIN}, so that a container with a health probe does
 * not fill the memory of the machine. Those that somebody has waited for go first, then those that ended longest ago.
 */
export function forgetEndedExecs(container: ContainerDirectory): void {
  const execs = join(container.path, "exec");
  if (!existsSync(execs)) return;
  const names = readdirSync(execs);
  if (names.length <= EXECS_UNLOOKED_MAX) return;
  const ended = names.flatMap((name) => endedExec(join(execs, name))).sort(leastWanted);
  for (const { directory } of ended.slice(0, Math.max(0, ended.length - EXECS_REMEMBERED_MIN))) directory.remove();
}

function endedExec(path: string): readonly EndedExec[] {
  const directory = new ContainerDirectory(path);
  if (!hasEnded(directory)) return [];
  // Another process may be at the same.
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  return [{ directory, collected: directory.isCollected(), changedAtMs: stat.mtimeMs }];
}

/** Its reaper has recorded the exit, or had made it and was killed: one that has not come so far has no pid yet. */
function hasEnded(directory: ContainerDirectory): boolean {
  return directory.exit() !== undefined || (directory.created() !== undefined && !directory.supervised());
}

function leastWanted(a: EndedExec, b: EndedExec): number {
  return Number(b.collected) - Number(a.collected) || a.changedAtMs - b.changedAtMs;
}
