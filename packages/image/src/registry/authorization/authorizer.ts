import { OrlopError } from "@orlop/core";
import type { Credential } from "../credentials/credential.ts";
import type { HttpClient } from "../http/http-client.ts";
import type { RegistryLimits } from "../limits.ts";
import type { RegistryEndpoint } from "../registry-endpoint.ts";
import { parseChallenges } from "./challenge.ts";
import { realmUrl } from "./realm-url.ts";
import { basicAuthorization, requestToken } from "./request-token.ts";
import { joinScopes } from "./scopes.ts";
import { TokenCache } from "./token-cache.ts";

/** Whose credential an endpoint gets to see. */
export type EndpointCredential = (endpoint: RegistryEndpoint) => Promise<Credential | undefined>;

/** What an origin wants to see. */
type Demand =
  | { readonly scheme: "basic" }
  | { readonly scheme: "bearer"; readonly realm: string; readonly service: string | undefined };

export interface AuthorizedRequest {
  /** For errors, a verb phrase. */
  readonly doing: string;
  /** Of the endpoint itself: nobody else is ever authorized with. */
  readonly origin: URL;
  readonly endpoint: RegistryEndpoint;
  readonly scopes: readonly string[];
}

/** Authorizes requests with registries, for all sessions of a client: they share its tokens. */
export class Authorizer {
  readonly #client: HttpClient;
  readonly #limits: RegistryLimits;
  readonly #credentials: EndpointCredential;
  readonly #tokens = new TokenCache();
  readonly #demands = new Map<string, Demand>();
  /** What an origin asked for beyond what we thought, by what we thought. */
  readonly #wider = new Map<string, readonly string[]>();
  readonly #found = new Map<string, Promise<Credential | undefined>>();

  constructor(client: HttpClient, limits: RegistryLimits, credentials: EndpointCredential) {
    this.#client = client;
    this.#limits = limits;
    this.#credentials = credentials;
  }

  /** The value of `Authorization`, as far as it is known that the origin wants one. @throws OrlopError */
  async header(request: AuthorizedRequest): Promise<string | undefined> {
    const demand = this.#demands.get(request.origin.origin);
    return demand === undefined ? undefined : await this.#answer(request, demand);
  }

  /**
   * Takes the refusal (401) of a request.
   *
   * @param sent what had been sent with it
   * @returns what to send instead; undefined when there is nothing else
   * @throws OrlopError
   */
  async challenged(
    request: AuthorizedRequest,
    header: string | undefined,
    sent: string | undefined,
  ): Promise<string | undefined> {
    const challenges = parseChallenges(header ?? "");
    const bearer = challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters.has("realm"));
    const credential = await this.#credential(request.endpoint);
    let demand: Demand | undefined;
    if (bearer !== undefined) {
      demand = {
        scheme: "bearer",
        realm: bearer.parameters.get("realm") ?? "",
        service: bearer.parameters.get("service"),
      };
    } else if (challenges.some(({ scheme }) => scheme === "basic") && credential?.kind === "password") {
      demand = { scheme: "basic" };
    }
    if (demand === undefined) return undefined;
    const asked = bearer?.parameters.get("scope")?.split(" ").filter(Boolean) ?? [];
    if (sent !== undefined && demand.scheme === "bearer") {
      await this.#tokens.forget(this.#key(request, demand), sent.replace(/^Bearer /, ""));
    }
    this.#demands.set(request.origin.origin, demand);
    this.#wider.set(this.#thought(request), joinScopes(request.scopes, asked));
    const answer = await this.#answer(request, demand);
    return answer === sent ? undefined : answer;
  }

  async #answer(request: AuthorizedRequest, demand: Demand): Promise<string | undefined> {
    const { doing, endpoint, origin } = request;
    const credential = await this.#credential(endpoint);
    if (demand.scheme === "basic") {
      return credential?.kind === "password" ? basicAuthorization(credential) : undefined;
    }
    if (credential?.kind === "registry-token") return `Bearer ${credential.token}`;
    const token = await this.#tokens.get(this.#key(request, demand), () =>
      requestToken({
        doing,
        realm: realmUrl(doing, demand.realm, { registry: origin, isPlainByChoice: endpoint.isPlainByChoice }),
        service: demand.service,
        scopes: this.#scopes(request),
        credential,
        client: this.#client,
        limits: this.#limits,
        settingsFor: (url) => endpoint.settingsFor(url),
      }),
    );
    return `Bearer ${token}`;
  }

  #scopes(request: AuthorizedRequest): readonly string[] {
    return this.#wider.get(this.#thought(request)) ?? joinScopes(request.scopes, []);
  }

  #thought({ origin, endpoint, scopes }: AuthorizedRequest): string {
    return JSON.stringify([origin.origin, endpoint.host, joinScopes(scopes, [])]);
  }

  /** Credentials may differ between the repositories of a registry. */
  #key(request: AuthorizedRequest, demand: Demand): string {
    const { endpoint, origin } = request;
    return JSON.stringify([origin.origin, endpoint.host, endpoint.repository, demand, this.#scopes(request)]);
  }

  #credential(endpoint: RegistryEndpoint): Promise<Credential | undefined> {
    const key = JSON.stringify([endpoint.host, endpoint.repository, endpoint.isMirror]);
    let found = this.#found.get(key);
    if (found === undefined) {
      found = this.#credentials(endpoint);
      this.#found.set(key, found);
    }
    return found;
  }
}

/** A refusal that a login may help against says so. */
export function withLoginHint(error: OrlopError, host: string): OrlopError {
  if (error.code !== "denied" || error.message.includes("\n")) return error;
  return new OrlopError("denied", `${error.message}\nTry orlop login ${host}, if it needs one.`, {
    operation: "authorize with a registry",
    cause: error,
  });
}
