import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Agent } from "node:https";
import type { Duplex } from "node:stream";
import type { Exchange } from "./exchange.ts";
import { unreachable } from "./forward-request.ts";
import { endToEndFields, type HeaderField, without } from "./header-fields.ts";
import type { Refusal } from "./proxied-message.ts";
import type { SecretHost } from "./secret-host.ts";
import { upstreamRequest } from "./upstream-request.ts";

interface Upgrading {
  readonly host: SecretHost;
  readonly exchange: Exchange;
  readonly agent: Agent;
  /** What has come behind the request already. */
  readonly head: Buffer;
}

const UPGRADE: readonly HeaderField[] = [
  ["Connection", "Upgrade"],
  ["Upgrade", "websocket"],
];

/** Whether a connection is to become one of WebSocket (RFC 6455); others stay what they are. */
export function isWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === "GET" && headers.upgrade?.toLowerCase() === "websocket";
}

/** Passes the request for a WebSocket on; what is said by it afterwards goes both ways as it is. */
export function forwardUpgrade(
  request: IncomingMessage,
  client: Duplex,
  { host, exchange, agent, head }: Upgrading,
): void {
  const fields = without(endToEndFields(request.rawHeaders), "host", "expect", "content-length", "accept-encoding");
  const upstream = upstreamRequest({
    host,
    method: "GET",
    target: exchange.requestTarget(request.url ?? "/"),
    fields: [...exchange.requestFields(fields), ...UPGRADE],
    agent,
  });
  client.on("close", () => upstream.destroy());
  upstream.on("error", (error) => refuseUpgrade(client, unreachable(host, error)));
  upstream.on("response", (response) => {
    response.destroy();
    refuseUpgrade(client, { status: response.statusCode ?? 502, what: "the server makes no WebSocket of it" });
  });
  upstream.on("upgrade", (response, server, first) => {
    const answered = exchange.answerFields(without(endToEndFields(response.rawHeaders), "alt-svc", "content-length"));
    client.write(headText(101, [...answered, ...UPGRADE]));
    client.write(first);
    server.write(head);
    server.on("error", () => client.destroy());
    server.on("close", () => client.destroy());
    client.on("close", () => server.destroy());
    client.pipe(server).pipe(client);
  });
  upstream.end();
}

export function refuseUpgrade(client: Duplex, { status, what }: Refusal): void {
  if (client.destroyed) return;
  const text = `orlop: ${what}\n`;
  const length = ["content-length", `${Buffer.byteLength(text)}`] as const;
  client.end(headText(status, [["connection", "close"], length]) + text);
}

/** Node has read these fields, or made them: none of them has a line's end within. */
function headText(status: number, fields: readonly HeaderField[]): string {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n`;
}
