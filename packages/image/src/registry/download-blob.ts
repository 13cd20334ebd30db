import { type ByteRange, type Descriptor, type DownloadOptions, type Ingest, OrlopError } from "@orlop/core";
import { BlobLocation } from "./blob-request.ts";
import type { HttpResponse } from "./http/http-exchange.ts";
import { type RegistryLimits, SPEED_WINDOW_MS } from "./limits.ts";
import { drainBody } from "./read-body.ts";
import type { RegistrySession } from "./registry-session.ts";
import { RetryBudget } from "./retry-budget.ts";

/**
 * Brings what is missing of a blob into an ingest. Where one connection turns out to be slow, a large blob comes in several
 * ranges at once, in the order of the blob, over connections of their own. What came before a failure stays, and only the rest
 * is asked for again.
 */
export async function downloadBlob(
  session: RegistrySession,
  descriptor: Descriptor,
  ingest: Ingest,
  options: DownloadOptions = {},
): Promise<void> {
  await new BlobDownload(session, descriptor, ingest, options).run();
}

/** A range that shrinks as its bytes come, and when others take over the end of it. */
interface Part {
  offset: number;
  length: number;
}

/** What else an answer would give is on its way by other ones. */
class Enough extends Error {}

class BlobDownload {
  readonly #session: RegistrySession;
  readonly #location: BlobLocation;
  readonly #ingest: Ingest;
  readonly #options: DownloadOptions;
  readonly #parts: Part[];
  /** Ends the other ranges when one has failed for good. */
  readonly #abort = new AbortController();

  constructor(session: RegistrySession, descriptor: Descriptor, ingest: Ingest, options: DownloadOptions) {
    this.#session = session;
    this.#location = new BlobLocation(session, descriptor);
    this.#ingest = ingest;
    this.#options = options;
    const [first, ...others] = ingest.missing();
    const { limits } = session;
    // The first one is asked for whole, and divided when that is slow.
    const isDivided = first === undefined || limits.fastBytesPerSecond === Infinity;
    this.#parts = [
      ...(isDivided ? partsOf(first, limits) : [{ ...first }]),
      ...others.flatMap((each) => partsOf(each, limits)),
    ];
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    const onAbort = (): void => this.#abort.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted === true) onAbort();
    try {
      await this.#lead();
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** The first range shows whether the server knows ranges at all, and how fast it is; others are fetched beside it after that. */
  async #lead(): Promise<void> {
    const first = this.#parts.shift();
    if (first === undefined) return;
    const failures: unknown[] = [];
    const fail = (error: unknown): void => {
      failures.push(error);
      this.#abort.abort(error);
    };
    const others: Promise<void>[] = [];
    const begin = (): void => {
      const count = Math.min(this.#session.limits.rangesMax - 1, this.#parts.length);
      while (others.length < count) others.push(this.#work().catch(fail));
    };
    const watch = new SpeedWatch(first, this.#session.limits, () => {
      this.#divide(first);
      begin();
    });
    try {
      await this.#fetch(first, () => watch.start());
      // There may be more that is missing, if not behind this one.
      begin();
      await this.#work();
    } catch (error) {
      fail(error);
    } finally {
      watch[Symbol.dispose]();
    }
    await Promise.all(others);
    if (failures.length > 0) throw failures[0];
  }

  /** Leaves all but the beginning of what is left of a range to others. */
  #divide(part: Part): void {
    const { limits } = this.#session;
    const [kept, ...rest] = partsOf(part, limits);
    if (kept === undefined || rest.length === 0) return;
    part.length = kept.length;
    this.#parts.unshift(...rest);
  }

  async #work(): Promise<void> {
    for (let part = this.#parts.shift(); part !== undefined; part = this.#parts.shift()) {
      await this.#fetch(part, () => {});
    }
  }

  async #fetch(part: Part, onRanges: () => void): Promise<void> {
    const budget = new RetryBudget(this.#session.limits);
    while (part.length > 0) {
      const before = part.length;
      try {
        const asks = partsOf(part, this.#session.limits).length > 1;
        const { response, isWhole } = await this.#location.open(part, { signal: this.#abort.signal, asks });
        if (isWhole) {
          await this.#takeWhole(part, response);
        } else {
          onRanges();
          await this.#take(part, response);
        }
      } catch (error) {
        budget.progress(before - part.length);
        await budget.failed(error, this.#abort.signal);
      }
    }
  }

  async #take(part: Part, response: HttpResponse): Promise<void> {
    let offset = part.offset;
    const end = offset + part.length;
    try {
      await this.#drain(response, async (chunk) => {
        const at = offset;
        offset += chunk.length;
        if (offset > end) throw this.#tooMuch(response);
        await this.#write([part], chunk, at);
        if (part.length === 0 && offset < end) throw new Enough();
      });
    } catch (error) {
      if (!(error instanceof Enough)) throw error;
    }
    if (part.length > 0) throw this.#location.cut(response, part.length);
  }

  /** The server knows no ranges: of the whole blob that it sends, what is there already is passed over. */
  async #takeWhole(part: Part, response: HttpResponse): Promise<void> {
    const { sizeBytes: size } = this.#ingest;
    const parts = [part, ...this.#parts.splice(0)];
    let offset = 0;
    try {
      await this.#drain(response, async (chunk) => {
        const at = offset;
        offset += chunk.length;
        if (offset > size) throw this.#tooMuch(response);
        await this.#write(parts, chunk, at);
      });
      if (offset < size) throw this.#location.cut(response, size - offset);
    } finally {
      this.#parts.unshift(...parts.slice(1).filter(({ length }) => length > 0));
    }
  }

  /** Writes what of a chunk belongs to parts, which begin there or later, and shortens them. */
  async #write(parts: readonly Part[], chunk: Buffer, at: number): Promise<void> {
    const writes: Promise<void>[] = [];
    for (const part of parts) {
      const start = part.offset - at;
      const length = Math.min(part.length, chunk.length - start);
      if (length <= 0) continue;
      writes.push(this.#ingest.write(chunk.subarray(start, start + length), part.offset));
      part.offset += length;
      part.length -= length;
      this.#options.onBytes?.(length);
    }
    await Promise.all(writes);
  }

  async #drain(response: HttpResponse, take: (chunk: Buffer) => Promise<void>): Promise<void> {
    const { stallMaxMs, unwrittenMaxBytes } = this.#session.limits;
    await drainBody(response, take, {
      doing: this.#location.doing,
      stallMaxMs,
      signal: this.#abort.signal,
      untakenMaxBytes: unwrittenMaxBytes,
    });
  }

  #tooMuch({ url }: HttpResponse): OrlopError {
    const problem = `${url.host} sends more than was asked for`;
    return new OrlopError("invalid", `Cannot ${this.#location.doing}: ${problem}`, { operation: "talk to a registry" });
  }
}

/** Calls back once, when a range does not come fast, unless it is disposed of before. */
class SpeedWatch implements Disposable {
  readonly #part: Part;
  readonly #onSlow: () => void;
  /** In one window of time. */
  readonly #enoughBytes: number;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(part: Part, { fastBytesPerSecond }: RegistryLimits, onSlow: () => void) {
    this.#part = part;
    this.#onSlow = onSlow;
    this.#enoughBytes = (fastBytesPerSecond * SPEED_WINDOW_MS) / 1000;
  }

  /** Does nothing where it has been started before. */
  start(): void {
    if (this.#isOver || this.#timer !== undefined) return;
    if (this.#enoughBytes === Infinity) {
      this.#end();
      return;
    }
    let before = this.#part.offset;
    this.#timer = setInterval(() => {
      const { offset } = this.#part;
      if (offset - before < this.#enoughBytes) this.#end();
      before = offset;
    }, SPEED_WINDOW_MS);
  }

  #end(): void {
    this[Symbol.dispose]();
    this.#onSlow();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    clearInterval(this.#timer);
  }
}

/** A large range in parts, in order; a small one at once. */
function partsOf(
  range: ByteRange | undefined,
  { rangesMax, rangeBytes }: Pick<RegistryLimits, "rangesMax" | "rangeBytes">,
): Part[] {
  if (range === undefined) return [];
  const { offset, length } = range;
  if (rangesMax === 1 || length < 2 * rangeBytes) return [{ offset, length }];
  const count = Math.ceil(length / rangeBytes);
  return Array.from({ length: count }, (_, index) => {
    const start = index * rangeBytes;
    return { offset: offset + start, length: Math.min(rangeBytes, length - start) };
  });
}
