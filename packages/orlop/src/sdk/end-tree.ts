import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/**
 * Ends a process with everything that descends from it.
 *
 * What has been found is stopped before its children are looked for, so that nothing is made behind the look; a process
 * whose parent is stopped keeps its pid until all are killed. What has let go of its parent (a daemon) is no descendant.
 *
 * @param neighbour a process of the same pid namespace; where `pid` is somebody else's by now, nothing happens
 */
export function endTree(pid: number, neighbour: number): void {
  const namespace = pidNamespace(neighbour);
  if (namespace === undefined || pidNamespace(pid) !== namespace) return;
  const found = new Set<number>();
  for (let fresh = [pid]; fresh.length > 0; ) {
    for (const each of fresh) {
      found.add(each);
      send(each, "SIGSTOP");
    }
    fresh = childrenOf(found).filter((each) => !found.has(each));
  }
  for (const each of found) send(each, "SIGKILL");
}

function pidNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

function childrenOf(parents: ReadonlySet<number>): readonly number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((name) => (parents.has(parentOf(name)) ? [Number(name)] : []));
}

/** 0 for a process that has gone meanwhile. */
function parentOf(pid: string): number {
  try {
    // proc_pid_stat(5): the name stands in brackets and may hold anything; behind it the state, then the parent.
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return 0;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
