import { readFileSync } from "node:fs";
import type { ProcessTable } from "./process-table.ts";

/** Of the kernel's clock in what proc(5) tells, on every architecture. */
const TICKS_PER_SECOND = 100;
const DAY_SECONDS = 24 * 3600;

/** The same columns as `ps -ef` has, where there is no ps: read from /proc. Processes that have ended are left out. */
export function readProcessTable(pids: readonly number[], nowMs: number): ProcessTable {
  const users = userNames();
  const bootMs = nowMs - Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
  const rows = pids.flatMap((pid) => {
    try {
      return [processRow(pid, users, { nowMs, bootMs })];
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ESRCH") return [];
      throw error;
    }
  });
  return { titles: ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"], rows };
}

function processRow(
  pid: number,
  users: ReadonlyMap<string, string>,
  { nowMs, bootMs }: { readonly nowMs: number; readonly bootMs: number },
): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const [, name = ""] = /\((.*)\)/s.exec(stat) ?? [];
  // From the state on, the third field: a name may have blanks and parentheses in it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const startMs = bootMs + (Number(fields[19]) / TICKS_PER_SECOND) * 1000;
  const [, uid = ""] = /^Uid:\s+\d+\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
  const seconds = Math.floor(ticks / TICKS_PER_SECOND);
  const share = Math.floor((100_000 * (ticks / TICKS_PER_SECOND)) / Math.max(nowMs - startMs, 1));
  return [
    ...[users.get(uid) ?? uid, String(pid), fields[1] ?? "", String(Math.min(share, 99))],
    ...[startText(startMs, nowMs), terminalName(Number(fields[4])), clockText(seconds)],
    words.length === 0 ? `[${name}]` : words.join(" "),
  ];
}

function userNames(): ReadonlyMap<string, string> {
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  return new Map(lines.map((line) => line.split(":")).map(([name = "", , uid = ""]) => [uid, name]));
}

/** `15:04`, or the day for what began earlier. */
function startText(startMs: number, nowMs: number): string {
  const [, month = "", day = "", , time = ""] = new Date(startMs).toString().split(" ");
  return nowMs - startMs < DAY_SECONDS * 1000 ? time.slice(0, "15:04".length) : `${month}${day}`;
}

/** Of a device number of a terminal: those of Unix98 have the majors 136 to 143. */
function terminalName(device: number): string {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  return major >= 136 && major <= 143 ? `pts/${(major - 136) * 256 + minor}` : "?";
}

function clockText(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}
