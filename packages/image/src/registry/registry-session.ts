import { OrlopError } from "@orlop/core";
import { answerError } from "./answer-error.ts";
import { type AuthorizedRequest, type Authorizer, withLoginHint } from "./authorization/authorizer.ts";
import { type Permission, scopeOf } from "./authorization/scopes.ts";
import { cancelled, connectionFailure } from "./http/connection-failure.ts";
import type { HttpClient } from "./http/http-client.ts";
import type { HttpRequest, HttpResponse } from "./http/http-exchange.ts";
import { REDIRECTS_MAX, type RegistryLimits } from "./limits.ts";
import { discardBody } from "./read-body.ts";
import type { RegistryEndpoint } from "./registry-endpoint.ts";
import { withRetries } from "./retry-budget.ts";

interface RegistryRequest {
  /** For errors, a verb phrase: `read manifest "latest"`. */
  readonly doing: string;
  readonly method: HttpRequest["method"];
  /** Below the repository (`manifests/latest`), or, without one, below `/v2/`, or where an answer sent us. */
  readonly target: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | (() => AsyncIterable<Buffer>);
  /** Status codes that are no error. */
  readonly accept: readonly number[];
  /** The head says it all. */
  readonly ignoreBody?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Absent: the limit of the session. */
  readonly stallMaxMs?: number;
  /** Other repositories of this registry that it reads. */
  readonly alsoPulls?: readonly string[];
}

export interface SessionOptions {
  readonly client: HttpClient;
  readonly limits: RegistryLimits;
  readonly authorizer: Authorizer;
  /** What it is going to do; absent: nothing with any repository. */
  readonly permission?: Permission | undefined;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Requests to one repository at one endpoint. */
export class RegistrySession {
  readonly endpoint: RegistryEndpoint;
  readonly limits: RegistryLimits;
  readonly #client: HttpClient;
  readonly #authorizer: Authorizer;
  readonly #permission: Permission | undefined;
  #base: URL;
  /** Whether the endpoint's guess of its scheme still has to be tried. */
  #isGuess: boolean;

  constructor(endpoint: RegistryEndpoint, { client, limits, authorizer, permission }: SessionOptions) {
    this.#client = client;
    this.#authorizer = authorizer;
    this.#permission = permission;
    this.endpoint = endpoint;
    this.limits = limits;
    this.#base = endpoint.base;
    this.#isGuess = endpoint.otherBase !== undefined;
  }

  /** An accepted answer, after as many attempts as are allowed. Its body is the caller's. @throws OrlopError */
  async request(request: RegistryRequest): Promise<HttpResponse> {
    return await withRetries(this.limits, request.signal, () => this.attempt(request));
  }

  /** One attempt. @throws OrlopError, RetryableFailure */
  async attempt(request: RegistryRequest): Promise<HttpResponse> {
    const { doing, accept } = request;
    const response = await this.#follow(request, this.urlOf(request.target));
    refuseEncoding(doing, response);
    if (accept.includes(response.status)) {
      if (request.ignoreBody === true) await discardBody(response, this.limits.stallMaxMs);
      return response;
    }
    const error = await answerError(doing, response.url.host, response, this.limits.stallMaxMs);
    throw error instanceof OrlopError && this.#isOwn(response.url) ? withLoginHint(error, this.endpoint.host) : error;
  }

  urlOf(target: string | URL): URL {
    if (typeof target !== "string") return target;
    const { repository } = this.endpoint;
    const url = new URL(repository === "" ? target : `${repository}/${target}`, this.#base);
    if (this.endpoint.namespace !== undefined) url.searchParams.set("ns", this.endpoint.namespace);
    return url;
  }

  /** Where a `Location` leads, refused when it leaves TLS. @throws OrlopError `invalid` */
  locationOf(doing: string, { url, headers }: HttpResponse): URL {
    const { location } = headers;
    const next = location === undefined ? null : URL.parse(location, url);
    if (next === null) throw refused(doing, `${url.host} leads to no place`);
    if (next.protocol !== "https:" && next.protocol !== "http:") {
      throw refused(doing, `${url.host} leads to a place of the kind "${next.protocol}"`);
    }
    if (url.protocol === "https:" && next.protocol === "http:") {
      throw refused(doing, `${url.host} leads from https to http, to ${next.host}`);
    }
    // Whoever writes them there would have us send credentials.
    next.username = "";
    next.password = "";
    next.hash = "";
    return next;
  }

  async #follow(request: RegistryRequest, start: URL): Promise<HttpResponse> {
    const { doing, method } = request;
    let url = start;
    for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
      const response = await this.#sendOnce(request, url);
      const follows = REDIRECTS.has(response.status) && (method === "GET" || method === "HEAD");
      if (!follows || request.accept.includes(response.status)) return response;
      await discardBody(response, this.limits.stallMaxMs);
      url = this.locationOf(doing, response);
    }
    throw refused(doing, `${start.host} redirects more than ${REDIRECTS_MAX} times`);
  }

  async #sendOnce(request: RegistryRequest, url: URL): Promise<HttpResponse> {
    if (!this.#isGuess || typeof request.target !== "string") return await this.#send(request, url);
    return await this.#guess(request, url);
  }

  /** Plain text first; who speaks TLS alone closes, or answers 400. Nothing secret is sent before we know. */
  async #guess(request: RegistryRequest, url: URL): Promise<HttpResponse> {
    const { otherBase, base } = this.endpoint;
    let failure: unknown;
    try {
      const response = await this.#send(request, url);
      if (response.status !== 400) {
        this.#isGuess = false;
        return response;
      }
      failure = await answerError(request.doing, url.host, response, this.limits.stallMaxMs);
    } catch (error) {
      failure = error;
    }
    if (request.signal?.aborted === true || otherBase === undefined) throw failure;
    const other = new URL(otherBase.origin + url.pathname + url.search);
    try {
      const response = await this.#send(request, other);
      this.#isGuess = false;
      this.#base = new URL(otherBase.origin + base.pathname);
      return response;
    } catch (error) {
      // It does not speak TLS: what it said in plain text is what is the case.
      throw error instanceof OrlopError && /certificate/.test(error.message) ? error : failure;
    }
  }

  async #send(request: RegistryRequest, url: URL): Promise<HttpResponse> {
    if (!this.#isOwn(url)) return await this.#sendWith(request, url, {});
    const { signal } = request;
    const authorized = this.#authorizedRequest(request, url);
    const sent = await unlessCancelled(request, this.#authorizer.header(authorized));
    const response = await this.#sendWith(request, url, this.#ownHeaders(sent));
    if (response.status !== 401) return response;
    const challenged = this.#authorizer.challenged(authorized, response.headers["www-authenticate"], sent);
    const other = await unlessCancelled(request, challenged).catch((error: unknown) => {
      response.body.destroy();
      throw error;
    });
    if (other === undefined || signal?.aborted === true) return response;
    await discardBody(response, this.limits.stallMaxMs);
    return await this.#sendWith(request, url, this.#ownHeaders(other));
  }

  #isOwn(url: URL): boolean {
    return url.origin === this.#base.origin || (this.#isGuess && url.origin === this.endpoint.otherBase?.origin);
  }

  #ownHeaders(authorization: string | undefined): Readonly<Record<string, string>> {
    return { ...this.endpoint.headers, ...(authorization === undefined ? {} : { authorization }) };
  }

  #authorizedRequest({ doing, alsoPulls = [] }: RegistryRequest, url: URL): AuthorizedRequest {
    const { pathname } = this.#base;
    const below = pathname.indexOf("/v2/");
    // A mirror may keep its repositories below a name of its own.
    const prefix = below < 0 ? "" : decodeURIComponent(pathname.slice(below + "/v2/".length));
    const own = this.#permission === undefined ? [] : [scopeOf(prefix + this.endpoint.repository, this.#permission)];
    const scopes = [...own, ...alsoPulls.map((repository) => scopeOf(prefix + repository, "pull"))];
    return { doing, origin: new URL(url.origin), endpoint: this.endpoint, scopes };
  }

  async #sendWith(
    { doing, method, headers, body, signal, stallMaxMs }: RegistryRequest,
    url: URL,
    own: Readonly<Record<string, string>>,
  ): Promise<HttpResponse> {
    try {
      return await this.#client.send(
        {
          method,
          url,
          headers: {
            "user-agent": "orlop",
            // Digests are of what is stored.
            "accept-encoding": "identity",
            ...own,
            ...headers,
            ...(Buffer.isBuffer(body) ? { "content-length": String(body.length) } : {}),
          },
          ...(body === undefined ? {} : { body: Buffer.isBuffer(body) ? body : body() }),
          ...(signal === undefined ? {} : { signal }),
          stallMaxMs: stallMaxMs ?? this.limits.stallMaxMs,
        },
        this.endpoint.settingsFor(url),
      );
    } catch (error) {
      if (signal?.aborted === true) throw cancelled(doing, signal.reason);
      throw connectionFailure(doing, url.host, error);
    }
  }
}

/** Tokens are for others too: a signal ends the waiting for one, not its request. */
async function unlessCancelled<T>({ doing, signal }: RegistryRequest, work: Promise<T>): Promise<T> {
  if (signal === undefined) return await work;
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(cancelled(doing, signal.reason));
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function refuseEncoding(doing: string, response: HttpResponse): void {
  const encoding = response.headers["content-encoding"];
  if (encoding === undefined || encoding === "identity" || encoding === "") return;
  response.body.destroy();
  throw refused(
    doing,
    `${response.url.host} sends it in the encoding ${JSON.stringify(encoding.slice(0, 50))}, unasked`,
  );
}

function refused(doing: string, problem: string): OrlopError {
  return new OrlopError("invalid", `Cannot ${doing}: ${problem}`, { operation: "talk to a registry" });
}
