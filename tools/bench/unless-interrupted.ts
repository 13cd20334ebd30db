import { setTimeout as sleep } from "node:timers/promises";

/** A run that was interrupted may still end well, and then there is less to clean up. */
const graceMs = 3_000;

/**
 * Resolves as `work` does. When the signal is aborted it gives the work a moment more to end, and then rejects with
 * the signal's reason: a container that hangs must not keep a Ctrl-C from cleaning up.
 */
export async function unlessInterrupted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const interrupted = Promise.withResolvers<void>();
  const onAbort = (): void => interrupted.resolve();
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  const giveUp = async (): Promise<never> => {
    await interrupted.promise;
    await Promise.race([work.catch(() => {}), sleep(graceMs)]);
    throw signal.reason;
  };
  try {
    const result = await Promise.race([work, giveUp()]);
    signal.throwIfAborted();
    return result;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
