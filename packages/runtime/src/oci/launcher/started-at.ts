import { readFileSync } from "node:fs";

/** Times in /proc/PID/stat are in these (USER_HZ, the same on every architecture that we know). */
const TICK_MS = 10;

/** Wall clocks are set, and these ones are read one after the other. */
const SLACK_MS = 1_000;

/** A time at which a process, of whatever programs, was not there yet, or had just begun: proc_pid_stat(5), field 22. */
export function startedAtMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const startedMs = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]) * TICK_MS;
  const uptimeMs = Number.parseFloat(readFileSync("/proc/uptime", "utf8")) * 1000;
  return Date.now() - uptimeMs + startedMs - SLACK_MS;
}
