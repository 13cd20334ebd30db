import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { findProgram } from "../steps/find-program.ts";

/** `0-3,8` is 0, 1, 2, 3, 8: cpuset(7), "List format". */
export function parseCpuList(text: string): readonly number[] {
  return text.split(",").flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

function allowedCpus(pid: number): string {
  return /^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
}

function pin(pids: readonly number[], cpus: string): void {
  for (const pid of pids) execFileSync("taskset", ["--all-tasks", "--cpu-list", "--pid", cpus, String(pid)]);
}

/** Why a larger machine cannot be narrowed to two processors, or undefined. */
export function twoCoresObstacle(): string | undefined {
  if (parseCpuList(allowedCpus(process.pid)).length <= 2 || findProgram("taskset") !== undefined) return undefined;
  return "on all cores: taskset (Debian: util-linux) is missing";
}

/** Runs `work` with these processes, and what they start, on two processors only. */
export async function onTwoCores<T>(pids: readonly number[], work: () => Promise<T>): Promise<T> {
  const before = allowedCpus(process.pid);
  const cpus = parseCpuList(before);
  if (cpus.length <= 2 || twoCoresObstacle() !== undefined) return await work();
  pin(pids, cpus.slice(0, 2).join(","));
  try {
    return await work();
  } finally {
    pin(pids, before);
  }
}
