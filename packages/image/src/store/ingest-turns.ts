import { once } from "node:events";
import { type Digest, type IngestOptions, OrlopError } from "@orlop/core";

/** Has the callers of one process that want to take in the same blob come one after the other. */
export class IngestTurns {
  readonly #ends = new Map<Digest, Promise<void>>();

  /**
   * Waits for the others and gives the function that ends the turn.
   *
   * @throws OrlopError `cancelled`
   */
  async take(digest: Digest, { signal, onWait }: IngestOptions): Promise<() => void> {
    if (this.#ends.has(digest)) onWait?.();
    for (let end = this.#ends.get(digest); end !== undefined; end = this.#ends.get(digest)) {
      await untilAborted(end, signal);
      if (signal?.aborted) throw cancelledIngest(digest, signal);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ends.set(digest, promise);
    return () => {
      if (this.#ends.get(digest) === promise) this.#ends.delete(digest);
      resolve();
    };
  }
}

async function untilAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return await work;
  if (signal.aborted) return;
  const done = new AbortController();
  const aborted = once(signal, "abort", { signal: done.signal }).catch(() => {});
  await Promise.race([work, aborted]);
  done.abort();
}

function cancelledIngest(digest: Digest, signal: AbortSignal): OrlopError {
  const what = "the wait for another transfer of it was ended";
  return new OrlopError("cancelled", `Cannot store blob "${digest}": ${what}`, { cause: signal.reason });
}
