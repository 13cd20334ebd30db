import { readFileSync } from "node:fs";

/** What one process costs, in kB (1024 bytes). */
export interface ProcessMemory {
  /** Its pages, those shared with others divided by the number of sharers: Pss of smaps_rollup. */
  readonly proportional: number;
  /** VmPTE: the page tables, which belong to nobody else. */
  readonly pageTables: number;
}

/** Throws what `node:fs` throws when the process is gone or somebody else's. */
export function processMemory(pid: number): ProcessMemory {
  return {
    proportional: kilobytes(`/proc/${pid}/smaps_rollup`, "Pss"),
    pageTables: kilobytes(`/proc/${pid}/status`, "VmPTE"),
  };
}

/** The most that it has had resident at a time, in kB: VmHWM. */
export function peakMemoryKb(pid: number): number {
  return kilobytes(`/proc/${pid}/status`, "VmHWM");
}

function kilobytes(path: string, field: string): number {
  const value = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync(path, "utf8"))?.[1];
  if (value === undefined) throw new Error(`Cannot read "${path}": it has no ${field}`);
  return Number(value);
}

export function parentOf(pid: number): number {
  const value = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(value);
}
