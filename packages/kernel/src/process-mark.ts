import { readFileSync, readlinkSync } from "node:fs";

let own: string | undefined;
let ownNamespace: string | undefined;

/**
 * Names this process for as long as it lives, in a form that fits into a file name: what carries it belongs to nobody
 * once the process is gone, whatever became of it.
 */
export function ownProcessMark(): string {
  own ??= processMark(process.pid);
  return own;
}

/** The same of another process of this pid namespace. @throws the error of open(2) where there is none */
export function processMark(pid: number): string {
  return `${pidNamespace()}.${pid}.${startTime(pid)}`;
}

/** Whether the process that a mark names still lives, or may live where this process cannot see it. */
export function isMarkAlive(mark: string): boolean {
  const [, namespace, pid = "", started] = /^(\d+)\.(\d+)\.(\d+)$/.exec(mark) ?? [];
  if (namespace === undefined) return false;
  if (namespace !== pidNamespace()) return true;
  try {
    return startTime(Number(pid)) === started;
  } catch {
    return false;
  }
}

/** `pid:[4026531836]` is namespace 4026531836. A process stays in the one that it was born in. */
function pidNamespace(): string {
  ownNamespace ??= readlinkSync("/proc/self/ns/pid").replace(/\D/g, "");
  return ownNamespace;
}

/** Field 22 of proc(5) /proc/pid/stat: tells a process from a later one with its number. */
function startTime(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses, field 2, may hold anything.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}
