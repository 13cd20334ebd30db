import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { TLSSocket } from "node:tls";
import { authorityOf, type SecretHost } from "./secret-host.ts";

/** Of HTTP/1.1 or HTTP/2. */
export type ProxiedRequest = IncomingMessage | Http2ServerRequest;
export type ProxiedAnswer = ServerResponse | Http2ServerResponse;

/** Why a request does not go on, as it is answered. */
export interface Refusal {
  readonly status: number;
  readonly what: string;
}

/**
 * The server that a request is for: the one that its connection was made with, whose name it also says itself. Who says two
 * names is answered by neither (RFC 9110, section 7.4).
 */
export function requestedHost(request: ProxiedRequest, hosts: readonly SecretHost[]): SecretHost | Refusal {
  const authority = authorityIn(request).toLowerCase();
  const host = hosts.find((each) => authority === authorityOf(each) || authority === `${each.name}:${each.port}`);
  if (host === undefined || (host.scheme === "https" && serverNameOf(request) !== host.name)) {
    return { status: 421, what: "this is none of the servers that the connection is for" };
  }
  if (request.method === "TRACE" || request.method === "CONNECT") {
    return { status: 405, what: `method ${request.method} is not passed on` };
  }
  const isPath = request.url?.startsWith("/") || (request.url === "*" && request.method === "OPTIONS");
  return isPath ? host : { status: 400, what: "the target of a request is a path" };
}

export function isRefusal(host: SecretHost | Refusal): host is Refusal {
  return "status" in host;
}

export function isHttp2(request: ProxiedRequest): request is Http2ServerRequest {
  return request.httpVersionMajor === 2;
}

function authorityIn(request: ProxiedRequest): string {
  const { host = "" } = request.headers;
  return isHttp2(request) ? request.authority || host : host;
}

/** What the client has asked for as it began to speak TLS, by which it was shown a certificate. */
function serverNameOf({ socket }: ProxiedRequest): string | undefined {
  const { servername } = socket as Partial<TLSSocket>;
  return typeof servername === "string" ? servername.toLowerCase() : undefined;
}
