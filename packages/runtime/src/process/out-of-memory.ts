import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Whether the kernel killed something in the container for lack of memory, from the copy of `memory.events` (version 2)
 * or `memory.oom_control` (version 1) that the reaper kept; both count in a line `oom_kill <n>`.
 */
export function outOfMemory(stateDirectory: string): boolean {
  try {
    const line = /^oom_kill (\d+)$/m.exec(readFileSync(join(stateDirectory, "memory"), "utf8"));
    return line !== null && line[1] !== "0";
  } catch {
    return false;
  }
}
