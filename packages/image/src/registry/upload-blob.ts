import { type Descriptor, type DownloadOptions, OrlopError } from "@orlop/core";
import { parseUploadRange } from "./content-range.ts";
import type { HttpResponse } from "./http/http-exchange.ts";
import { RetryableFailure } from "./http/retryable-failure.ts";
import { namedDigest } from "./manifest-document.ts";
import type { RegistrySession } from "./registry-session.ts";
import { RetryBudget } from "./retry-budget.ts";

/** Gives a blob's content from an offset on; may be called again. */
export type BlobContent = (offset: number) => AsyncIterable<Buffer>;

interface BlobUploadOptions extends DownloadOptions {
  readonly descriptor: Descriptor;
  readonly open: BlobContent;
  /** Repositories of the same registry that may hold the blob. */
  readonly mountFrom: readonly string[];
}

/**
 * Sends a blob, unless the registry has it in one of the other repositories: a small one in one request, a large one in
 * several. After a failure the registry is asked how much it has, and the rest is sent; where it does not know (docker's
 * forgets an upload whose request was cut), all is sent again.
 */
export async function uploadBlob(session: RegistrySession, options: BlobUploadOptions): Promise<void> {
  await new BlobUpload(session, options).run();
}

class BlobUpload {
  readonly #session: RegistrySession;
  readonly #options: BlobUploadOptions;
  readonly #doing: string;
  readonly #mountFrom: string[];
  /** Where to go on; absent: nothing has been begun. */
  #location: URL | undefined;
  /** What the registry has. */
  #offset = 0;
  #chunkBytes: number;
  /** The furthest that was told to `onBytes`. */
  #toldBytes = 0;

  constructor(session: RegistrySession, options: BlobUploadOptions) {
    this.#session = session;
    this.#options = options;
    this.#doing = `push blob "${options.descriptor.digest}"`;
    this.#mountFrom = [...options.mountFrom];
    this.#chunkBytes = session.limits.uploadChunkBytes;
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    const budget = new RetryBudget(this.#session.limits);
    for (;;) {
      const before = this.#offset;
      try {
        if (this.#location === undefined && (await this.#begin())) return;
        await this.#send();
        return;
      } catch (error) {
        budget.progress(Math.max(0, this.#offset - before));
        if (this.#refusesChunks(error)) continue;
        await budget.failed(error, signal);
        if (await this.#recover()) return;
      }
    }
  }

  /** @returns true when the registry has the blob now */
  async #begin(): Promise<boolean> {
    const { digest } = this.#options.descriptor;
    const from = this.#mountFrom.shift();
    const query = from === undefined ? "" : `?${new URLSearchParams({ mount: digest, from })}`;
    const response = await this.#session.attempt({
      doing: this.#doing,
      method: "POST",
      target: `blobs/uploads/${query}`,
      headers: { "content-length": "0" },
      accept: from === undefined ? [202] : [201, 202],
      ignoreBody: true,
      ...(from === undefined ? {} : { alsoPulls: [from] }),
      signal: this.#options.signal,
    });
    if (response.status === 201) {
      this.#checkDigest(response);
      return true;
    }
    this.#goOnAt(response);
    const least = Number(response.headers["oci-chunk-min-length"] ?? 0);
    if (Number.isSafeInteger(least)) this.#chunkBytes = Math.max(this.#chunkBytes, least);
    return false;
  }

  async #send(): Promise<void> {
    const { size } = this.#options.descriptor;
    // What is left goes with the last request, unless it is a chunk by itself.
    while (size - this.#offset > this.#chunkBytes) await this.#sendChunk(this.#chunkBytes);
    await this.#finish();
  }

  async #sendChunk(length: number): Promise<void> {
    const end = this.#offset + length;
    const response = await this.#request("PATCH", this.#location as URL, length, [202, 201, 204], {
      "content-range": `${this.#offset}-${end - 1}`,
    });
    const range = response.headers.range;
    const has = range === undefined ? end : parseUploadRange(range);
    if (has !== end) {
      const problem = `${response.url.host} has ${range} of it, ${end} bytes were sent`;
      throw new OrlopError("invalid", `Cannot ${this.#doing}: ${problem}`, { operation: "talk to a registry" });
    }
    this.#offset = end;
    this.#goOnAt(response);
  }

  async #finish(): Promise<void> {
    const { digest, size } = this.#options.descriptor;
    const url = new URL(this.#location as URL);
    url.searchParams.set("digest", digest);
    const rest = size - this.#offset;
    const range = this.#offset > 0 && rest > 0 ? { "content-range": `${this.#offset}-${size - 1}` } : {};
    this.#checkDigest(await this.#request("PUT", url, rest, [201, 204, 200], range));
  }

  async #request(
    method: "PATCH" | "PUT",
    target: URL,
    length: number,
    accept: readonly number[],
    headers: Readonly<Record<string, string>>,
  ): Promise<HttpResponse> {
    const response = await this.#session.attempt({
      doing: this.#doing,
      method,
      target,
      headers: { "content-type": "application/octet-stream", "content-length": String(length), ...headers },
      ...(length === 0 ? {} : { body: () => this.#content(length) }),
      accept,
      stallMaxMs: this.#session.limits.commitMaxMs,
      ignoreBody: true,
      signal: this.#options.signal,
    });
    return response;
  }

  async *#content(length: number): AsyncGenerator<Buffer> {
    let left = length;
    let at = this.#offset;
    for await (const chunk of this.#options.open(this.#offset)) {
      const taken = chunk.subarray(0, left);
      left -= taken.length;
      at += taken.length;
      if (taken.length > 0) yield taken;
      if (at > this.#toldBytes) {
        this.#options.onBytes?.(at - this.#toldBytes);
        this.#toldBytes = at;
      }
      if (left === 0) return;
    }
    throw new OrlopError("invalid", `Cannot ${this.#doing}: its content ends ${left} bytes too early`);
  }

  #goOnAt(response: HttpResponse): void {
    this.#location = this.#session.locationOf(this.#doing, response);
  }

  /** Servers exist that take a blob only as a whole. */
  #refusesChunks(error: unknown): boolean {
    const isWhole = this.#chunkBytes >= this.#options.descriptor.size;
    const isRefusal = error instanceof OrlopError && ["invalid", "not-found", "unsupported"].includes(error.code);
    if (isWhole || !isRefusal || this.#location === undefined) return false;
    this.#chunkBytes = Number.POSITIVE_INFINITY;
    this.#location = undefined;
    this.#offset = 0;
    return true;
  }

  /** Asks what became of an upload that failed. @returns true when the blob is there */
  async #recover(): Promise<boolean> {
    const location = this.#location;
    if (location === undefined) return false;
    this.#location = undefined;
    const asked = { doing: this.#doing, ignoreBody: true, signal: this.#options.signal };
    try {
      const status = await this.#session.attempt({ ...asked, method: "GET", target: location, accept: [204, 200] });
      const has = parseUploadRange(status.headers.range ?? "");
      if (has !== undefined && has <= this.#options.descriptor.size) {
        this.#offset = has;
        this.#location =
          status.headers.location === undefined ? location : this.#session.locationOf(this.#doing, status);
        return false;
      }
    } catch (error) {
      if (error instanceof OrlopError && error.code === "cancelled") throw error;
    }
    this.#offset = 0;
    // The answer may have been lost after all was done.
    const { digest } = this.#options.descriptor;
    const accept = [200, 404];
    const found = await this.#session
      .attempt({ ...asked, method: "HEAD", target: `blobs/${digest}`, accept })
      .catch((error: unknown) => {
        if (error instanceof RetryableFailure) return undefined;
        throw error;
      });
    return found?.status === 200;
  }

  #checkDigest(response: HttpResponse): void {
    const { digest } = this.#options.descriptor;
    const named = namedDigest(this.#doing, response);
    if (named === undefined || named === digest) return;
    const problem = `${response.url.host} names it ${named}`;
    throw new OrlopError("invalid", `Cannot ${this.#doing}: ${problem}`, { operation: "talk to a registry" });
  }
}
