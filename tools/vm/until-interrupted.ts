import { OrlopError } from "@orlop/core";

/**
 * Runs a command's work and makes its exit code this process's. The first SIGINT or SIGTERM aborts the signal, so that
 * the work can clean up behind itself; what the work refuses is printed without a stack.
 */
export async function untilInterrupted(work: (signal: AbortSignal) => Promise<number>): Promise<void> {
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupt.abort());
  try {
    process.exitCode = await work(interrupt.signal);
  } catch (error) {
    if (!interrupt.signal.aborted && !(error instanceof OrlopError)) throw error;
    console.error(interrupt.signal.aborted ? "Interrupted; cleaned up" : (error as OrlopError).message);
    process.exitCode = interrupt.signal.aborted ? 130 : 1;
  }
}
