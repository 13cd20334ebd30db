import type { Socket } from "node:net";
import { OrlopError } from "@orlop/core";
import { addressOf, connectPlain, connectTls, established } from "./connect-socket.ts";

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
  const socket = await connectProxy(proxy, signal);
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
    const problem = status === undefined ? "does not answer as a proxy" : `answered ${status}`;
    throw new OrlopError("failed", `Cannot reach "${authority}": the proxy ${proxy.host} ${problem}`);
  } catch (error) {
    socket.destroy();
    throw error;
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
        if (head.length > ANSWER_MAX_BYTES) fail(new OrlopError("failed", "Cannot use proxy: its answer is too long"));
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
