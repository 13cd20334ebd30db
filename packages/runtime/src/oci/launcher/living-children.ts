import { readFileSync } from "node:fs";

/** Children of this process that have not ended; those too that it had before it executed Node. */
export function livingChildren(): readonly number[] {
  return childrenOf(process.pid).filter(isAlive);
}

function childrenOf(pid: number): readonly number[] {
  return (read(`/proc/${pid}/task/${pid}/children`)?.match(/\d+/g) ?? []).map(Number);
}

/** proc_pid_stat(5): the third field, behind a name in parentheses. */
function isAlive(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== undefined && !/^\) [ZX]/.test(stat.slice(stat.lastIndexOf(")")));
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It has ended, or the kernel does not tell of children.
    return undefined;
  }
}
