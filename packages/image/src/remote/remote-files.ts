import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Agent, IncomingMessage } from "node:http";
import { fileURLToPath } from "node:url";
import { OrlopError } from "@orlop/core";

const CONNECTIONS_MAX = 8;
const REDIRECTS_MAX = 5;
const TRIES_MAX = 3;
/** Without a byte. */
const STALL_MAX_MS = 30_000;

export interface FileRequest {
  /** Exactly so many bytes, where they are known. */
  readonly size?: number;
  /** In hex, where it is known. */
  readonly sha256?: string;
  /** Named limit for files of which nothing is known. */
  readonly sizeMax: number;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((count: number) => void) | undefined;
}

/** The proxy for a URL; undefined: none. */
export type ProxyFor = (url: URL) => string | undefined;

/**
 * Files of servers, and of this machine, over connections that are kept. What has a known hash is verified.
 *
 * @throws OrlopError `not-found` for a file that is not there, `failed` for a server that does not answer, `invalid` for
 *   other content than was asked for
 */
export class RemoteFiles implements Disposable {
  readonly #proxyFor: ProxyFor;
  readonly #agents = new Map<string, Agent>();

  constructor(proxyFor: ProxyFor) {
    this.#proxyFor = proxyFor;
  }

  async get(url: URL, request: FileRequest): Promise<Buffer> {
    if ((request.size ?? 0) > request.sizeMax) throw tooLarge(url, request.sizeMax);
    for (let tries = 1; ; tries++) {
      try {
        return await this.#getOnce(url, request);
      } catch (error) {
        request.signal?.throwIfAborted();
        if (error instanceof OrlopError || tries >= TRIES_MAX) throw asOrlopError(url, error);
      }
    }
  }

  [Symbol.dispose](): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  async #getOnce(url: URL, request: FileRequest): Promise<Buffer> {
    const content = url.protocol === "file:" ? await readFile(fileURLToPath(url)) : await this.#download(url, request);
    const { size = content.length, sha256, sizeMax } = request;
    if (size > sizeMax) throw tooLarge(url, sizeMax);
    if (content.length !== size) throw unexpected(url, `it has ${content.length} bytes, and the index says ${size}`);
    if (sha256 === undefined) return content;
    const found = createHash("sha256").update(content).digest("hex");
    if (found !== sha256) throw unexpected(url, `it hashes to ${found}, and the index says ${sha256}`);
    return content;
  }

  async #download(from: URL, request: FileRequest): Promise<Buffer> {
    let url = from;
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
      const response = await this.#open(url, request.signal);
      const location = response.headers.location;
      const status = response.statusCode ?? 0;
      if (status >= 300 && status < 400 && location !== undefined) {
        response.resume();
        url = redirected(url, location);
        continue;
      }
      if (status === 200) return await collect(response, from, request);
      response.resume();
      if (status === 404 || status === 410) {
        throw new OrlopError("not-found", `Cannot fetch "${from}": the server does not have it`);
      }
      if (status < 500) throw new OrlopError("failed", `Cannot fetch "${from}": the server answers with ${status}`);
      throw new Error(`the server answers with ${status}`);
    }
    throw new OrlopError("failed", `Cannot fetch "${from}": there are more than ${REDIRECTS_MAX} redirects`);
  }

  async #open(url: URL, signal: AbortSignal | undefined): Promise<IncomingMessage> {
    // A pull that asks no such server begins sooner when these have not been loaded.
    const protocol = url.protocol === "https:" ? await import("node:https") : await import("node:http");
    const headers = { "user-agent": "orlop", "accept-encoding": "identity" };
    const agent = this.#agent(url, protocol);
    const options = { agent, headers, ...(signal === undefined ? {} : { signal }) };
    return await new Promise((resolve, reject) => {
      const request = protocol.get(url, options, resolve);
      request.setTimeout(STALL_MAX_MS, () => request.destroy(new Error(`no byte came for ${STALL_MAX_MS / 1000} s`)));
      request.on("error", reject);
    });
  }

  #agent(url: URL, protocol: { readonly Agent: typeof Agent }): Agent {
    const proxy = this.#proxyFor(url);
    const key = `${url.protocol} ${proxy ?? ""}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const proxyEnv = proxy === undefined ? {} : { HTTP_PROXY: proxy, HTTPS_PROXY: proxy };
    const agent = new protocol.Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX, proxyEnv });
    this.#agents.set(key, agent);
    return agent;
  }
}

function redirected(from: URL, location: string): URL {
  const to = URL.canParse(location, from) ? new URL(location, from) : undefined;
  if (to?.protocol === "https:" || (to?.protocol === "http:" && from.protocol === "http:")) return to;
  throw new OrlopError("denied", `Cannot fetch "${from}": the server redirects to ${JSON.stringify(location)}`);
}

async function collect(response: IncomingMessage, url: URL, request: FileRequest): Promise<Buffer> {
  const { size, sizeMax, onBytes } = request;
  // In one piece where the length is known, instead of twice the memory.
  const whole = size === undefined ? undefined : Buffer.allocUnsafe(size);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (length + chunk.length > (size ?? sizeMax)) throw tooLarge(url, size ?? sizeMax);
    if (whole === undefined) chunks.push(chunk);
    else chunk.copy(whole, length);
    length += chunk.length;
    onBytes?.(chunk.length);
  }
  return whole === undefined ? Buffer.concat(chunks) : whole.subarray(0, length);
}

function unexpected(url: URL, problem: string): OrlopError {
  const way = "Try again: a mirror that is being updated is inconsistent for a while.";
  return new OrlopError("invalid", `Cannot use "${url}": ${problem}\n${way}`);
}

function tooLarge(url: URL, limit: number): OrlopError {
  return new OrlopError("exhausted", `Cannot fetch "${url}": it has more than ${limit} bytes`);
}

function asOrlopError(url: URL, cause: unknown): OrlopError {
  if (cause instanceof OrlopError) return cause;
  const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
  const problem = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new OrlopError(isMissing ? "not-found" : "failed", `Cannot fetch "${url}": ${problem}`, { cause });
}
