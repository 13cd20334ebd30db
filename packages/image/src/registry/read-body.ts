import { OrlopError } from "@orlop/core";
import { cancelled, connectionFailure } from "./http/connection-failure.ts";
import type { HttpResponse } from "./http/http-exchange.ts";
import { StallError, StallTimer } from "./http/stall-timer.ts";

interface BodyLimits {
  /** For errors, a verb phrase: `read blob "sha256:..."`. */
  readonly doing: string;
  readonly stallMaxMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface DrainOptions extends BodyLimits {
  /** What `take` has not done with may be so much before the connection has to wait. */
  readonly untakenMaxBytes: number;
}

/**
 * Hands on a body's chunks as they come, several at once, in order; while `take` is behind they grow. Rejects when the body is
 * cut, when it stalls, and with what `take` rejects with. The body is at its end or destroyed afterwards, and `take` is done
 * with all that it was given: when it resolves, with that chunk for good.
 *
 * @throws OrlopError, RetryableFailure
 */
export async function drainBody(
  response: HttpResponse,
  take: (chunk: Buffer) => Promise<void>,
  { untakenMaxBytes, ...limits }: DrainOptions,
): Promise<void> {
  const pending = new Set<Promise<void>>();
  let untakenBytes = 0;
  let refused: { readonly error: unknown } | undefined;
  try {
    for await (const chunk of bodyChunks(response, limits)) {
      untakenBytes += chunk.length;
      const taken = take(chunk).then(
        () => {
          untakenBytes -= chunk.length;
          pending.delete(taken);
          response.body.giveBack?.(chunk);
        },
        (error: unknown) => {
          untakenBytes -= chunk.length;
          pending.delete(taken);
          refused ??= { error };
        },
      );
      pending.add(taken);
      while (untakenBytes >= untakenMaxBytes && refused === undefined) await Promise.race(pending);
      if (refused !== undefined) break;
    }
  } finally {
    await Promise.all(pending);
  }
  if (refused !== undefined) throw refused.error;
}

/** A body's chunks, one at a time. The body is at its end or destroyed afterwards. @throws OrlopError, RetryableFailure */
export async function* bodyChunks(
  { body, url }: HttpResponse,
  { doing, stallMaxMs, signal }: BodyLimits,
): AsyncGenerator<Buffer> {
  const onAbort = (): void => body.destroy(asError(signal?.reason));
  using stall = new StallTimer(stallMaxMs, () => body.destroy(new StallError(stallMaxMs)));
  signal?.addEventListener("abort", onAbort);
  if (signal?.aborted === true) onAbort();
  try {
    for (;;) {
      stall.wait();
      const chunk = await body.read().catch((error: unknown) => {
        throw signal?.aborted === true ? cancelled(doing, signal.reason) : connectionFailure(doing, url.host, error);
      });
      stall.hold();
      if (chunk === undefined) return;
      yield chunk;
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    body.destroy();
  }
}

/** A whole body. @throws OrlopError `exhausted` past `maxBytes`; RetryableFailure */
export async function readBody(
  response: HttpResponse,
  { maxBytes, ...limits }: BodyLimits & { readonly maxBytes: number },
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of bodyChunks(response, limits)) {
    length += chunk.length;
    if (length > maxBytes) {
      const problem = `${response.url.host} sends more than ${maxBytes} bytes`;
      throw new OrlopError("exhausted", `Cannot ${limits.doing}: ${problem}`, { operation: "talk to a registry" });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** Of a body that nobody reads; more is not worth the connection. */
const DISCARDED_MAX_BYTES = 65_536;

/** Reads a short body so that its connection can be used again. */
export async function discardBody({ body }: HttpResponse, stallMaxMs: number): Promise<void> {
  using _stall = new StallTimer(stallMaxMs, () => body.destroy());
  let length = 0;
  try {
    for (let chunk = await body.read(); chunk !== undefined; chunk = await body.read()) {
      length += chunk.length;
      if (length > DISCARDED_MAX_BYTES) body.destroy();
    }
  } catch {
    // What was said in the head counts.
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("cancelled", { cause: reason });
}
