import type { Socket } from "node:net";
import { addressOf, connectPlain, connectTls, established } from "./connect-socket.ts";
import { ProtocolError } from "./message-head.ts";
import { ProxyError } from "./proxy-error.ts";

/** The answer to CONNECT is a few lines. */
const ANSWER_MAX_BYTES = 16_384;

/** `Basic ...` for a proxy that has a user in its URL. */
export function proxyAuthorization(proxy: URL): Readonly<Record<string, string>> {
  if (proxy.username === "") return {};
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}

/** A connection with the origin through an HTTP proxy (RFC 9110, section 9.3.6). */
export async function openTunnel(proxy: URL, origin: URL, signal?: AbortSignal): Promise<Socket> {
  const socket = await connectProxy(proxy, signal).catch((cause: unknown) => {
    throw new ProxyError(proxy.host, { cause });
  });
  const { port } = addressOf(origin);
  const authority = `${origin.hostname}:${port}`;
  const headers = Object.entries({ host: authority, ...proxyAuthorization(proxy) });
  socket.write(
    `CONNECT ${authority} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`,
  );
  try {
    const head = await answerHead(socket, signal);
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
    if (status?.startsWith("2") === true) return socket;
    if (status !== undefined) throw new ProxyError(proxy.host, { status: Number(status) });
    throw new ProxyError(proxy.host, { cause: new ProtocolError("does not answer as a proxy") });
  } catch (cause) {
    socket.destroy();
    throw cause instanceof ProxyError ? cause : new ProxyError(proxy.host, { cause });
  }
}

async function connectProxy(proxy: URL, signal: AbortSignal | undefined): Promise<Socket> {
  if (proxy.protocol === "https:")
    return await connectTls(proxy, {}, ["http/1.1"], signal === undefined ? {} : { signal });
  const socket = connectPlain(proxy);
  await established(socket, "connect", signal);
  return socket;
}

function answerHead(socket: Socket, signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const settle = (): void => {
      socket.off("readable", onReadable);
      socket.off("error", fail);
      socket.off("close", onClose);
      signal?.removeEventListener("abort", onAbort);
    };
    const fail = (error: unknown): void => {
      settle();
      reject(error);
    };
    const onClose = (): void => fail(Object.assign(new Error("the proxy closed"), { code: "ECONNRESET" }));
    const onAbort = (): void => fail(signal?.reason);
    const onReadable = (): void => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
        head = Buffer.concat([head, chunk]);
      }
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) {
        if (head.length > ANSWER_MAX_BYTES) fail(new ProtocolError("answers at too great a length"));
        return;
      }
      settle();
      const rest = head.subarray(end + 4);
      if (rest.length > 0) socket.unshift(rest);
      resolve(head.toString("latin1", 0, end));
    };
    socket.on("readable", onReadable);
    socket.on("error", fail);
    socket.on("close", onClose);
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted === true) onAbort();
  });
}
