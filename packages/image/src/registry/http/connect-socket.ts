import type { OnReadOpts, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { ConnectionSettings } from "./http-exchange.ts";
import { openTunnel } from "./proxy-tunnel.ts";

/** Host without the brackets of an IPv6 address, and port. */
export function addressOf(url: URL): { readonly host: string; readonly port: number } {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const usual = url.protocol === "https:" ? 443 : 80;
  return { host, port: url.port === "" ? usual : Number(url.port) };
}

/** Connects with the origin of an URL in plain text, not through a proxy. */
export function connectPlain(origin: URL, onread?: OnReadOpts): Socket {
  const reading = onread === undefined ? {} : { onread };
  return process.getBuiltinModule("node:net").connect({ ...addressOf(origin), noDelay: true, ...reading });
}

/** Connects with the origin of an URL over TLS, through the proxy if there is one. Resolves when the handshake is over. */
export async function connectTls(
  origin: URL,
  settings: ConnectionSettings,
  protocols: readonly string[],
  { signal, onread }: { readonly signal?: AbortSignal; readonly onread?: OnReadOpts | undefined } = {},
): Promise<TLSSocket> {
  const through = settings.proxy === undefined ? undefined : await openTunnel(settings.proxy, origin, signal);
  const tls = process.getBuiltinModule("node:tls");
  const { host, port } = addressOf(origin);
  const isAddress = process.getBuiltinModule("node:net").isIP(host) !== 0;
  const { ca, clientCertificates = [], skipVerify } = settings;
  const socket = tls.connect({
    ...(through === undefined ? { host, port } : { socket: through }),
    // Names of addresses may not be sent (RFC 6066, section 3); certificates for them are checked all the same.
    ...(isAddress ? { host } : { servername: host }),
    ...(ca === undefined ? {} : { ca: [...tls.getCACertificates("default"), ...ca] }),
    ...(clientCertificates.length === 0
      ? {}
      : {
          cert: clientCertificates.map(({ certificate }) => certificate),
          key: clientCertificates.map(({ key }) => key),
        }),
    rejectUnauthorized: skipVerify !== true,
    ALPNProtocols: [...protocols],
    ...(onread === undefined ? {} : { onread }),
  });
  socket.setNoDelay(true);
  await established(socket, "secureConnect", signal);
  return socket;
}

/** Waits until a socket is connected; one that does not get there is destroyed. */
export function established(socket: Socket, event: "connect" | "secureConnect", signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      socket.off(event, onConnect);
      socket.off("error", onError);
      socket.off("close", onClose);
      signal?.removeEventListener("abort", onAbort);
    };
    const onConnect = (): void => {
      settle();
      resolve();
    };
    const onError = (error: unknown): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    const onClose = (): void => onError(Object.assign(new Error("closed while connecting"), { code: "ECONNRESET" }));
    const onAbort = (): void => onError(signal?.reason);
    socket.on(event, onConnect);
    socket.on("error", onError);
    socket.on("close", onClose);
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted === true) onAbort();
  });
}
