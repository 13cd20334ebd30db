let count = 0;

/** An id that no other exec has: it tells for which process it was made, and when. */
export function newExecId(makerPid: number): string {
  return `${makerPid}-${Date.now().toString(36)}-${count++}`;
}

/** Whether it is that of an exec that was made for a process, not before `sinceMs`. */
export function isExecIdOf(execId: string, makerPid: number, sinceMs: number): boolean {
  const [pid, time = ""] = execId.split("-");
  return pid === String(makerPid) && Number.parseInt(time, 36) >= sinceMs;
}
