import { OrlopError } from "@orlop/core";
import { answerError, printable } from "../answer-error.ts";
import type { Credential } from "../credentials/credential.ts";
import { connectionFailure } from "../http/connection-failure.ts";
import type { HttpClient } from "../http/http-client.ts";
import type { ConnectionSettings, HttpRequest, HttpResponse } from "../http/http-exchange.ts";
import { REDIRECTS_MAX, type RegistryLimits } from "../limits.ts";
import { discardBody, readBody } from "../read-body.ts";
import { withRetries } from "../retry-budget.ts";

interface TokenRequest {
  /** For errors, a verb phrase. */
  readonly doing: string;
  readonly realm: URL;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  /** Absent: as nobody in particular. */
  readonly credential: Exclude<Credential, { readonly kind: "registry-token" }> | undefined;
  readonly client: HttpClient;
  readonly limits: RegistryLimits;
  readonly settingsFor: (url: URL) => ConnectionSettings;
}

export interface BearerToken {
  readonly token: string;
  /** From now on. */
  readonly validMs: number;
}

const CLIENT_ID = "orlop";
const ANSWER_MAX_BYTES = 1024 * 1024;
const TOKEN_MAX_LENGTH = 65_536;
/** What does not say how long it is valid is so for a minute (distribution, "Token Authentication Specification"). */
const DEFAULT_VALID_SECONDS = 60;
const VALID_SECONDS_MAX = 24 * 60 * 60;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Asks for a token. @throws OrlopError */
export async function requestToken(request: TokenRequest): Promise<BearerToken> {
  const { doing, limits } = request;
  return await withRetries(limits, undefined, async () => {
    const response = await ask(request);
    const { stallMaxMs } = limits;
    if (response.status !== 200) throw await refusal(request, response);
    return decodeToken(request, await readBody(response, { doing, stallMaxMs, maxBytes: ANSWER_MAX_BYTES }));
  });
}

/** By GET with a password or as nobody; an identity token goes by POST (distribution, "OAuth2 Token Authentication"). */
async function ask(request: TokenRequest): Promise<HttpResponse> {
  const { realm, service, scopes, credential } = request;
  if (credential?.kind === "identity-token") {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      client_id: CLIENT_ID,
      refresh_token: credential.token,
    });
    if (service !== undefined) form.set("service", service);
    if (scopes.length > 0) form.set("scope", scopes.join(" "));
    const body = Buffer.from(form.toString());
    const headers = { "content-type": "application/x-www-form-urlencoded", "content-length": String(body.length) };
    return await send(request, { method: "POST", url: realm, headers, body });
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  url.searchParams.set("client_id", CLIENT_ID);
  if (credential === undefined) return await follow(request, url, {});
  url.searchParams.set("account", credential.username);
  return await follow(request, url, { authorization: basicAuthorization(credential) });
}

/** Within one origin: nobody else gets to see the credentials, or decides which token we take. */
async function follow(
  request: TokenRequest,
  start: URL,
  headers: Readonly<Record<string, string>>,
): Promise<HttpResponse> {
  let url = start;
  for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
    const response = await send(request, { method: "GET", url, headers });
    if (!REDIRECTS.has(response.status)) return response;
    await discardBody(response, request.limits.stallMaxMs);
    const { location } = response.headers;
    const next = location === undefined ? null : URL.parse(location, url);
    if (next === null || next.origin !== url.origin) {
      throw denied(request.doing, `${url.host} leads to ${next?.host || "no web server"} for a token`);
    }
    next.username = "";
    next.password = "";
    url = next;
  }
  throw denied(request.doing, `${start.host} redirects more than ${REDIRECTS_MAX} times`);
}

async function send(
  { client, limits, settingsFor, doing }: TokenRequest,
  request: Pick<HttpRequest, "method" | "url" | "headers"> & { readonly body?: Buffer },
): Promise<HttpResponse> {
  const { url, headers } = request;
  const own = { "user-agent": "orlop", accept: "application/json", "accept-encoding": "identity" };
  try {
    return await client.send(
      { ...request, headers: { ...own, ...headers }, stallMaxMs: limits.stallMaxMs },
      settingsFor(url),
    );
  } catch (error) {
    throw connectionFailure(doing, url.host, error);
  }
}

async function refusal({ doing, credential, limits }: TokenRequest, response: HttpResponse): Promise<unknown> {
  const error = await answerError(doing, response.url.host, response, limits.stallMaxMs);
  if (!(error instanceof OrlopError) || error.code !== "denied" || credential === undefined) return error;
  return new OrlopError(
    "denied",
    `${error.message}\nTry logging in anew: it does not take the credentials that are kept.`,
    {
      operation: "authorize with a registry",
      cause: error,
    },
  );
}

function decodeToken({ doing, realm }: TokenRequest, content: Buffer): BearerToken {
  let members: { token?: unknown; access_token?: unknown; expires_in?: unknown } = {};
  try {
    members = (JSON.parse(content.toString("utf8")) ?? {}) as typeof members;
  } catch {
    // Told below.
  }
  const token = [members.token, members.access_token].find((each) => typeof each === "string" && each !== "");
  if (typeof token !== "string" || token.length > TOKEN_MAX_LENGTH || !/^[\x21-\x7e]+$/.test(token)) {
    throw denied(doing, `${realm.host} gives no token`);
  }
  const told = members.expires_in;
  const seconds = typeof told === "number" && told > 0 ? Math.min(told, VALID_SECONDS_MAX) : DEFAULT_VALID_SECONDS;
  return { token, validMs: seconds * 1000 };
}

/** RFC 7617. */
export function basicAuthorization({
  username,
  password,
}: {
  readonly username: string;
  readonly password: string;
}): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function denied(doing: string, problem: string): OrlopError {
  return new OrlopError("denied", `Cannot ${doing}: ${printable(problem)}`, { operation: "authorize with a registry" });
}
