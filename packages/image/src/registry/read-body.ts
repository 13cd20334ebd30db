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
 * Hands on a body's chunks as they come, several at once, in order. Rejects when the body is cut, when it stalls while
 * `take` is not behind, and with what `take` rejects with. The body is at its end or destroyed afterwards, and `take` is
 * done with all that it was given.
 *
 * @throws OrlopError, RetryableFailure
 */
export async function drainBody(
  response: HttpResponse,
  take: (chunk: Buffer) => Promise<void>,
  { untakenMaxBytes, ...limits }: DrainOptions,
): Promise<void> {
  const { body } = response;
  const pending = new Set<Promise<void>>();
  let untakenBytes = 0;
  let refused: { readonly error: unknown } | undefined;
  using watch = watchBody(response, limits);
  const onData = (chunk: Buffer): void => {
    watch.stall.wait();
    untakenBytes += chunk.length;
    const taken = take(chunk).then(
      () => {
        untakenBytes -= chunk.length;
        pending.delete(taken);
        if (!body.isPaused() || untakenBytes > untakenMaxBytes / 2) return;
        watch.stall.wait();
        body.resume();
      },
      (error: unknown) => {
        pending.delete(taken);
        refused ??= { error };
        body.destroy();
      },
    );
    pending.add(taken);
    if (untakenBytes < untakenMaxBytes) return;
    body.pause();
    watch.stall.hold();
  };
  try {
    await ended(response, onData);
  } catch (error) {
    if (refused === undefined) throw watch.failure(error);
  } finally {
    await Promise.all(pending);
  }
  if (refused !== undefined) throw refused.error;
}

function ended({ body }: HttpResponse, onData: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let isComplete = false;
    body.once("end", () => {
      isComplete = true;
      resolve();
    });
    body.once("error", reject);
    body.once("close", () => {
      if (!isComplete) reject(Object.assign(new Error("the body was cut"), { code: "ECONNRESET" }));
    });
    body.on("data", onData);
  });
}

/** A body's chunks, one at a time. The body is at its end or destroyed afterwards. @throws OrlopError, RetryableFailure */
export async function* bodyChunks(response: HttpResponse, limits: BodyLimits): AsyncGenerator<Buffer> {
  const { body } = response;
  using watch = watchBody(response, limits);
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  try {
    for (;;) {
      watch.stall.wait();
      const next = await chunks.next().catch((error: unknown) => {
        throw watch.failure(error);
      });
      watch.stall.hold();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
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
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length);
}

interface BodyWatch extends Disposable {
  readonly stall: StallTimer;
  /** What an error of the body means. */
  failure(error: unknown): unknown;
}

/** Destroys a body that stalls or that is not wanted any more. */
function watchBody({ body, url }: HttpResponse, { doing, stallMaxMs, signal }: BodyLimits): BodyWatch {
  const onAbort = (): void => void body.destroy();
  const stall = new StallTimer(stallMaxMs, () => body.destroy(new StallError(stallMaxMs)));
  signal?.addEventListener("abort", onAbort);
  if (signal?.aborted === true) onAbort();
  return {
    stall,
    failure: (error) =>
      signal?.aborted === true ? cancelled(doing, signal.reason) : connectionFailure(doing, url.host, error),
    [Symbol.dispose]() {
      stall[Symbol.dispose]();
      signal?.removeEventListener("abort", onAbort);
    },
  };
}
