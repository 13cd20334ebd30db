import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/**
 * Processes of a container by its pid namespace, for one without a cgroup to list them, as an ordinary user's may be: init,
 * those that share its namespace, and those in namespaces below, which they have for ancestors.
 *
 * @param isShared others are in that namespace, too: what init has for descendants counts alone
 */
export function namespaceProcesses(init: number, isShared: boolean): readonly number[] {
  const namespace = namespaceOf(init);
  if (namespace === undefined) return [];
  const pids = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  const inside = new Set(isShared ? [init] : pids.filter((pid) => namespaceOf(pid) === namespace));
  const parents = new Map(pids.map((pid) => [pid, parentOf(pid)]));
  const isInside = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (inside.has(pid) || isInside(parents.get(pid)));
  return pids.filter(isInside);
}

/** Undefined for one that has ended, and for those of others, which say nothing. */
function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}
