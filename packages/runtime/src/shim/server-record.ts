import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** A server that can be found: one line of a file that `bin/containerd-shim-orlop-v1` reads, too. */
export interface ServerRecord {
  readonly pid: number;
  /** When it began, in ticks since boot: proc_pid_stat(5), field 22. With it the pid is this process's for good. */
  readonly startedTicks: string;
  /** Absolute path of its socket. */
  readonly socket: string;
  /** The directory of the program that started it: another installation starts its own. */
  readonly bin: string;
}

/** What this process is to be found by. */
export function ownRecord(socket: string, bin: string): ServerRecord {
  return { pid: process.pid, startedTicks: startedTicks(process.pid) ?? "", socket, bin };
}

export function writeServerRecord(path: string, { pid, startedTicks, socket, bin }: ServerRecord): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${pid} ${startedTicks} ${socket} ${bin}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

/** Undefined where there is none, or one that is dead. */
export function readServerRecord(path: string): ServerRecord | undefined {
  const record = parseRecord(path);
  return record !== undefined && startedTicks(record.pid) === record.startedTicks ? record : undefined;
}

function parseRecord(path: string): ServerRecord | undefined {
  const [line, pid, ticks = "", socket = "", bin = ""] = /^(\d+) (\d+) (\S+) (.*)\n$/.exec(textOf(path)) ?? [];
  return line === undefined ? undefined : { pid: Number(pid), startedTicks: ticks, socket, bin };
}

/** Removes the socket of a server that was killed. The record stays: by now it may be another one's. */
export function sweepDeadServer(path: string): void {
  const record = parseRecord(path);
  if (record !== undefined && startedTicks(record.pid) !== record.startedTicks) rmSync(record.socket, { force: true });
}

/** Takes the record back, unless it is somebody else's by now; says whether it was there. */
export function removeServerRecord(path: string): boolean {
  if (readServerRecord(path)?.pid !== process.pid) return false;
  rmSync(path, { force: true });
  return true;
}

/** Takes a place that only one process at a time has, for as long as it lives. */
export function takePlace(path: string): boolean {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${process.pid} ${startedTicks(process.pid)}\n`, { mode: 0o600 });
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const [, pid = "", ticks = ""] = /^(\d+) (\d+)\n$/.exec(textOf(path)) ?? [];
    if (pid !== "" && startedTicks(Number(pid)) !== ticks) rmSync(path, { force: true });
    return false;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Undefined for a process that is not there, or that nobody has waited for yet. */
function startedTicks(pid: number): string | undefined {
  const stat = textOf(`/proc/${pid}/stat`);
  // The second field is a name in parentheses, which may hold some.
  const [state = "Z", ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" || stat === "" ? undefined : fields[18];
}
