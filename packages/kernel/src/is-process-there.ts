/** Whether there is a process of that number, alive or a zombie, whoever's it is: one system call, and no file. */
export function isProcessThere(pid: number): boolean {
  // 0 and numbers below it mean groups of processes to kill(2).
  if (!(pid > 0)) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
