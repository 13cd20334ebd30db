import { readdirSync } from "node:fs";
import type { CgroupDirectory } from "./cgroup-plan.ts";
import { readCgroupFile } from "./read-cgroup-file.ts";

/** How deep cgroups below a container's may be nested for us to follow; the kernel's own files set no limit. */
const DEPTH_MAX = 64;

/**
 * The processes in a container's cgroups and those below them, ascending, each once. Process ids are those of
 * the caller's pid namespace; a process outside it is not listed. Cgroups that vanish meanwhile are empty.
 */
export function listProcesses(directories: readonly CgroupDirectory[]): number[] {
  const found = new Set<number>();
  for (const { path } of directories) {
    for (const directory of cgroupTree(path)) {
      for (const pid of processesIn(directory)) found.add(pid);
    }
  }
  return [...found].sort((one, other) => one - other);
}

/** Processes in this very cgroup. */
function processesIn(directory: string): number[] {
  const text = readCgroupFile(directory, "cgroup.procs") ?? "";
  // A process of another pid namespace shows as 0, and kill(0) would hit our own process group.
  return text
    .split("\n")
    .map(Number)
    .filter((pid) => pid > 0);
}

/** A cgroup and all below it, every parent before its children. */
export function cgroupTree(directory: string, depth: number = 0): string[] {
  if (depth >= DEPTH_MAX) return [directory];
  return [directory, ...childCgroups(directory).flatMap((child) => cgroupTree(child, depth + 1))];
}

function childCgroups(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => `${directory}/${entry.name}`);
  } catch {
    return [];
  }
}
