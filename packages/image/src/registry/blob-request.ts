import { type ByteRange, type Descriptor, OrlopError } from "@orlop/core";
import { parseContentRange } from "./content-range.ts";
import type { HttpResponse } from "./http/http-exchange.ts";
import { RetryableFailure } from "./http/retryable-failure.ts";
import type { RegistrySession } from "./registry-session.ts";

/** Where a blob is to be had, for the time of one download: storage that the registry sends us to is remembered. */
export class BlobLocation {
  readonly doing: string;
  readonly #session: RegistrySession;
  readonly #descriptor: Descriptor;
  #elsewhere: URL | undefined;

  constructor(session: RegistrySession, descriptor: Descriptor) {
    this.#session = session;
    this.#descriptor = descriptor;
    this.doing = `read blob "${descriptor.digest}"`;
  }

  /**
   * Asks for a range. The answer gives it from its first byte on, or, when `isWhole`, the blob from its beginning on.
   *
   * @param asks whether to ask for a range that is the whole blob as one: to learn whether the server knows ranges
   * @throws OrlopError, RetryableFailure
   */
  async open(
    range: ByteRange,
    { signal, asks = false }: { readonly signal?: AbortSignal | undefined; readonly asks?: boolean },
  ): Promise<{ response: HttpResponse; isWhole: boolean }> {
    const { size } = this.#descriptor;
    const isRange = asks || range.offset > 0 || range.length < size;
    const response = await this.#ask(isRange ? { range: rangeHeader(range) } : {}, signal);
    try {
      if (response.status === 206) this.#checkRange(response, range);
      else this.#checkLength(response);
    } catch (error) {
      response.body.destroy();
      throw error;
    }
    return { response, isWhole: response.status === 200 };
  }

  async #ask(headers: Readonly<Record<string, string>>, signal: AbortSignal | undefined): Promise<HttpResponse> {
    const request = { doing: this.doing, method: "GET", headers, accept: [200, 206], signal } as const;
    const registry = `blobs/${this.#descriptor.digest}`;
    const known = this.#elsewhere;
    if (known !== undefined) {
      try {
        return await this.#session.attempt({ ...request, target: known });
      } catch (error) {
        // The permission that is in the URL has an end; the registry gives another one.
        if (!(error instanceof OrlopError) || error.code === "cancelled") throw error;
        if (this.#elsewhere === known) this.#elsewhere = undefined;
      }
    }
    const response = await this.#session.attempt({ ...request, target: registry });
    if (response.url.origin !== this.#session.urlOf(registry).origin) this.#elsewhere = response.url;
    return response;
  }

  #checkRange(response: HttpResponse, { offset, length }: ByteRange): void {
    const value = response.headers["content-range"] ?? "";
    const found = parseContentRange(value);
    const { size } = this.#descriptor;
    const right =
      found !== undefined &&
      found.offset === offset &&
      found.length === length &&
      (found.total === undefined || found.total === size);
    if (right) return;
    const wanted = `bytes ${offset}-${offset + length - 1}/${size}`;
    throw this.#refused(response, `was asked for ${wanted} and answers ${JSON.stringify(value.slice(0, 80))}`);
  }

  #checkLength(response: HttpResponse): void {
    const value = response.headers["content-length"];
    if (value === undefined || Number(value) === this.#descriptor.size) return;
    throw this.#refused(
      response,
      `has ${value.slice(0, 20)} bytes of it, its descriptor says ${this.#descriptor.size}`,
    );
  }

  /** The failure of an answer that ended before it was complete. */
  cut({ url }: HttpResponse, missing: number): RetryableFailure {
    const problem = `${url.host} ended ${missing} bytes too early`;
    return new RetryableFailure(
      new OrlopError("failed", `Cannot ${this.doing}: ${problem}`, { operation: "talk to a registry" }),
    );
  }

  #refused({ url }: HttpResponse, problem: string): OrlopError {
    return new OrlopError("invalid", `Cannot ${this.doing}: ${url.host} ${problem}`, {
      operation: "talk to a registry",
    });
  }
}

function rangeHeader({ offset, length }: ByteRange): string {
  return `bytes=${offset}-${offset + length - 1}`;
}
