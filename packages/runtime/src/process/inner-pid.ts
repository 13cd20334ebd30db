import { readFileSync } from "node:fs";

/** The number that a process of the host's has in its own pid namespace; of one that is gone, the host's. */
export function innerPid(pid: number): number {
  try {
    const numbers = /^NSpid:(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
    return Number(numbers.trim().split(/\s+/).at(-1)) || pid;
  } catch {
    return pid;
  }
}
