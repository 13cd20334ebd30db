import { readdirSync, readFileSync } from "node:fs";
import type { LeakScope } from "./kernel-state.ts";

/** A process that belongs to a test. */
export interface ScopedProcess {
  readonly pid: number;
  readonly parent: number;
  /** Ticks since boot; with the pid it tells one process from a later one of the same number. */
  readonly startTime: string;
  /** `R`, `S`, `Z`...: proc_pid_stat(5). */
  readonly state: string;
  readonly name: string;
  /** Its arguments, or its name in brackets where it has none. */
  readonly commandLine: string;
  /** Why it belongs to the test. */
  readonly reason: string;
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    // It has ended since, or belongs to someone whose processes we may not look into.
    return "";
  }
}

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly startTime: string;
  readonly state: string;
  readonly name: string;
}

/** The fields of proc_pid_stat(5) that follow the parenthesis: state is the third, the parent the fourth. */
function readStat(pid: number): Stat | undefined {
  const text = readProc(pid, "stat");
  const end = text.lastIndexOf(")");
  if (end === -1) return undefined;
  const fields = text.slice(end + 2).split(" ");
  const name = text.slice(text.indexOf("(") + 1, end);
  return { pid, parent: Number(fields[1]), startTime: fields[19] ?? "", state: fields[0] ?? "", name };
}

function belongs(stat: Stat, descends: (pid: number) => boolean, { mark, directories }: LeakScope): string | undefined {
  if (descends(stat.parent)) return "descends from this process";
  if (readProc(stat.pid, "cgroup").includes(mark)) return "is in a cgroup of the test";
  const environment = readProc(stat.pid, "environ");
  if (environment.includes(mark)) return "has the mark in its environment";
  const commandLine = readProc(stat.pid, "cmdline");
  if (commandLine.includes(mark)) return "has the mark in its arguments";
  const directory = directories.find((path) => commandLine.includes(path));
  return directory === undefined ? undefined : `has "${directory}" in its arguments`;
}

/** All processes within the scope, this one excepted. Zombies count: someone forgot to wait for them. */
export function scopedProcesses(scope: LeakScope): readonly ScopedProcess[] {
  const stats = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStat(Number(name)) ?? []);
  const parents = new Map(stats.map(({ pid, parent }) => [pid, parent]));
  const descends = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at !== 0; at = parents.get(at)) {
      if (at === process.pid) return true;
    }
    return false;
  };
  return stats.flatMap((stat): readonly ScopedProcess[] => {
    if (stat.pid === process.pid) return [];
    const reason = belongs(stat, descends, scope);
    if (reason === undefined) return [];
    const commandLine = readProc(stat.pid, "cmdline").replaceAll("\0", " ").trim();
    return [{ ...stat, commandLine: commandLine === "" ? `[${stat.name}]` : commandLine, reason }];
  });
}
