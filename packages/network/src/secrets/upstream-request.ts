import { type ClientRequest, request as requestPlainly } from "node:http";
import { type Agent, request as requestSafely } from "node:https";
import type { HeaderField } from "./header-fields.ts";
import { authorityOf, type SecretHost } from "./secret-host.ts";
import { upstreamLookup } from "./upstream-lookup.ts";

interface UpstreamRequest {
  readonly host: SecretHost;
  readonly method: string;
  readonly target: string;
  readonly fields: readonly HeaderField[];
  /** Remembers sessions of TLS. */
  readonly agent: Agent;
}

/**
 * Begins a request to the server itself, by a connection of its own. Who answers it has shown a certificate for that name that this
 * process trusts, before anything of the request is sent.
 */
export function upstreamRequest({ host, method, target, fields, agent }: UpstreamRequest): ClientRequest {
  // A list, which says everything: nothing is added of what the client has not said but by the framing of the content.
  const headers = [["Host", authorityOf(host)] as const, ...fields].flat();
  const options = { host: host.name, port: host.port, method, path: target, headers, setHost: false };
  const upstream =
    host.scheme === "http"
      ? requestPlainly({ ...options, lookup: upstreamLookup, agent: false })
      : requestSafely({ ...options, lookup: upstreamLookup, agent, servername: host.name, rejectUnauthorized: true });
  upstream.setNoDelay(true);
  return upstream;
}
