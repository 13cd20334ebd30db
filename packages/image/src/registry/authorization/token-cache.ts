import type { BearerToken } from "./request-token.ts";

/** So long before its end a token is not used any more: a request takes time to arrive. */
const MARGIN_MS = 5_000;
/** Where tokens are valid for a moment, a part of that. */
const MARGIN_PART = 0.1;

interface CachedToken {
  readonly token: Promise<BearerToken>;
  /** Of the monotonic clock. */
  endsAtMs: number;
}

/** Tokens until they end. Who asks for one that is on its way waits for that one. */
export class TokenCache {
  readonly #tokens = new Map<string, CachedToken>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  async get(key: string, request: () => Promise<BearerToken>): Promise<string> {
    const known = this.#tokens.get(key);
    if (known !== undefined && this.#now() < known.endsAtMs) return (await known.token).token;
    const cached: CachedToken = { token: request(), endsAtMs: Number.POSITIVE_INFINITY };
    this.#tokens.set(key, cached);
    try {
      const { token, validMs } = await cached.token;
      cached.endsAtMs = this.#now() + validMs - Math.min(MARGIN_MS, validMs * MARGIN_PART);
      return token;
    } catch (error) {
      this.#drop(key, cached);
      throw error;
    }
  }

  /** A token that was refused; one that came in its place meanwhile stays. */
  async forget(key: string, token: string): Promise<void> {
    const known = this.#tokens.get(key);
    const found = await known?.token.catch(() => undefined);
    if (known !== undefined && found?.token === token) this.#drop(key, known);
  }

  #drop(key: string, cached: CachedToken): void {
    if (this.#tokens.get(key) === cached) this.#tokens.delete(key);
  }
}
