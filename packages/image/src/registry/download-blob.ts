import { type ByteRange, type Descriptor, type DownloadOptions, type Ingest, OrlopError } from "@orlop/core";
import { BlobLocation } from "./blob-request.ts";
import type { HttpResponse } from "./http/http-exchange.ts";
import type { RegistryLimits } from "./limits.ts";
import { drainBody } from "./read-body.ts";
import type { RegistrySession } from "./registry-session.ts";
import { RetryBudget } from "./retry-budget.ts";

/**
 * Brings what is missing of a blob into an ingest: a large one in several ranges at once, in the order of the blob, over
 * connections of their own. What came before a failure stays, and only the rest is asked for again.
 */
export async function downloadBlob(
  session: RegistrySession,
  descriptor: Descriptor,
  ingest: Ingest,
  options: DownloadOptions = {},
): Promise<void> {
  await new BlobDownload(session, descriptor, ingest, options).run();
}

/** A range that shrinks as its bytes come. */
interface Part {
  offset: number;
  length: number;
}

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
    this.#parts = partsOf(ingest.missing(), session.limits);
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

  /** The first range shows whether the server knows ranges at all; the others begin once its answer has. */
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
    await this.#fetch(first, begin)
      .then(() => this.#work())
      .catch(fail);
    await Promise.all(others);
    if (failures.length > 0) throw failures[0];
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
        const { response, isWhole } = await this.#location.open(part, this.#abort.signal);
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
    await this.#drain(response, async (chunk) => {
      if (chunk.length > part.length) throw this.#tooMuch(response);
      await this.#write([part], chunk, part.offset);
    });
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

/** A large blob in parts, in order; a small one, or the rest of one, at once. */
function partsOf(
  missing: readonly ByteRange[],
  { rangesMax, rangeBytes }: Pick<RegistryLimits, "rangesMax" | "rangeBytes">,
): Part[] {
  return missing.flatMap(({ offset, length }) => {
    if (rangesMax === 1 || length < 2 * rangeBytes) return [{ offset, length }];
    const count = Math.ceil(length / rangeBytes);
    return Array.from({ length: count }, (_, index) => {
      const start = index * rangeBytes;
      return { offset: offset + start, length: Math.min(rangeBytes, length - start) };
    });
  });
}
