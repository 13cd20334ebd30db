/** SIGRTMAX; 0 only asks whether there is somebody. */
export const SIGNAL_MAX = 64;

/** A process that is gone needs none. */
export function sendSignal(pid: number, signal: number): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
