import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

let ticksPerSecond: number | undefined;

function ticksToMilliseconds(ticks: number): number {
  ticksPerSecond ??= Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  return (ticks * 1000) / ticksPerSecond;
}

/**
 * User and system time so far of this process and of `pid` with every descendant that was waited for, in milliseconds.
 * The second part moves in clock ticks (10 ms): take the mean over many runs, or a difference over all of them.
 */
export function cpuTimeWith(pid: number): number {
  const own = process.cpuUsage();
  return (own.user + own.system) / 1000 + cpuTimeOf(pid);
}

/** The second part alone. */
export function cpuTimeOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // proc_pid_stat(5): the name, in parentheses, may hold anything; utime, stime, cutime, cstime are fields 14 to 17.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return ticksToMilliseconds(ticks);
}
