import type { ClientRequest, IncomingMessage } from "node:http";
import type { Agent } from "node:https";
import { pipeline } from "node:stream";
import { decodersOf } from "./decoded-content.ts";
import type { Exchange } from "./exchange.ts";
import { endToEndFields, type HeaderField, without } from "./header-fields.ts";
import { isHttp2, type ProxiedAnswer, type ProxiedRequest, type Refusal } from "./proxied-message.ts";
import type { SecretHost } from "./secret-host.ts";
import { upstreamRequest } from "./upstream-request.ts";

interface Forwarding {
  readonly host: SecretHost;
  readonly exchange: Exchange;
  readonly agent: Agent;
}

/** Passes a request on to its server, and the answer back. @returns what goes to the server, until it is closed */
export function forwardRequest(
  request: ProxiedRequest,
  answer: ProxiedAnswer,
  { host, exchange, agent }: Forwarding,
): ClientRequest {
  const changes = exchange.requestContent(request.headers["content-type"] ?? "");
  const upstream = upstreamRequest({
    host,
    method: request.method ?? "GET",
    target: exchange.requestTarget(request.url ?? "/"),
    fields: [...exchange.requestFields(requestFields(request)), ...framing(request, changes !== undefined)],
    agent,
  });
  upstream.on("error", (error) => refuse(answer, unreachable(host, error)));
  upstream.on("response", (response) => passBack(request, answer, response, exchange));
  // Interim answers (100, 103) stay here: the one that was waited for has been given already.
  answer.on("close", () => upstream.destroy());
  answer.on("error", () => upstream.destroy());
  request.on("error", () => upstream.destroy());
  const content = changes === undefined ? request : request.pipe(changes);
  content.pipe(upstream);
  return upstream;
}

/** What is said instead of an answer, where nothing has been said yet. */
export function refuse(answer: ProxiedAnswer, { status, what }: Refusal): void {
  if (answer.headersSent || answer.destroyed) {
    answer.destroy();
    return;
  }
  answer.statusCode = status;
  answer.setHeader("content-type", "text/plain; charset=utf-8");
  // The rest of a request that is not passed on is none of the next one's beginning.
  if (!("stream" in answer)) answer.setHeader("connection", "close");
  answer.end(`orlop: ${what}\n`);
}

/** By its code: an error's text may have what was sent. */
export function unreachable({ name, port }: SecretHost, error: unknown): Refusal {
  const { code = "no code" } = error as NodeJS.ErrnoException;
  return { status: 502, what: `cannot reach ${name}:${port}: ${code}` };
}

function requestFields(request: ProxiedRequest): readonly HeaderField[] {
  const fields = without(endToEndFields(request.rawHeaders), "host", "expect", "content-length", "accept-encoding");
  // Secrets are looked for in what comes back, which is then not to be compressed.
  return [...fields, ["Accept-Encoding", "identity"]];
}

/** How the end of the content is told, anew: by its length where that was said and stays, and as it comes otherwise. */
function framing(request: ProxiedRequest, isChanged: boolean): readonly HeaderField[] {
  const { "content-length": length, "transfer-encoding": transfer } = request.headers;
  if (length !== undefined && (!isChanged || length === "0")) return [["Content-Length", length]];
  const hasContent =
    length !== undefined || (isHttp2(request) ? !request.stream.endAfterHeaders : transfer !== undefined);
  return hasContent ? [["Transfer-Encoding", "chunked"]] : [];
}

function passBack(request: ProxiedRequest, answer: ProxiedAnswer, response: IncomingMessage, exchange: Exchange): void {
  const { statusCode = 502, headers } = response;
  const isEmpty = request.method === "HEAD" || statusCode === 204 || statusCode === 304;
  const decoders = isEmpty ? [] : decodersOf(headers["content-encoding"]);
  if (decoders === undefined) {
    response.destroy();
    refuse(answer, { status: 502, what: "the server's answer has an encoding in which secrets cannot be looked for" });
    return;
  }
  const changed = isEmpty ? [] : ["content-length", ...(decoders.length === 0 ? [] : ["content-encoding"])];
  // Alt-Svc would have the client go around whoever puts its secrets in.
  const fields = exchange.answerFields(without(endToEndFields(response.rawHeaders), "alt-svc", ...changed));
  if (!beginAnswer(answer, statusCode, fields)) {
    response.destroy();
    refuse(answer, { status: 502, what: "the head of the server's answer cannot be passed on" });
    return;
  }
  if (isEmpty) {
    response.resume();
    answer.end();
    return;
  }
  // Content may be long in coming, and who waits for it knows by the head that it will.
  if (!("stream" in answer)) answer.flushHeaders();
  pipeline([response, ...decoders, exchange.answerContent(), answer as NodeJS.WritableStream], () => {});
}

/** False where the client's version of HTTP has no such status or fields; nothing is said then. */
function beginAnswer(answer: ProxiedAnswer, status: number, fields: readonly HeaderField[]): boolean {
  try {
    for (const [name, value] of fields) answer.appendHeader(name, value);
    const head: { writeHead(status: number): unknown } = answer;
    head.writeHead(status);
    return true;
  } catch {
    if (!answer.headersSent) for (const name of answer.getHeaderNames()) answer.removeHeader(name);
    return false;
  }
}
