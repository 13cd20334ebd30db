import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { connectTls } from "./connect-socket.ts";
import { type Exchange, type ExchangeStream, exchange } from "./exchange.ts";
import type { ConnectionSettings, Connections, HttpRequest, HttpResponse } from "./http-exchange.ts";
import { Http1Connections } from "./http1-connections.ts";

/** What may be on its way to us without our say: enough for a fast network over a long distance. */
const STREAM_WINDOW_BYTES = 8 * 1024 * 1024;
const SESSION_WINDOW_BYTES = 32 * 1024 * 1024;

/** TLS with one origin: HTTP/2 where the server wants it (RFC 9113, section 3.3), else HTTP/1.1. */
export class TlsConnections implements Connections {
  readonly #origin: URL;
  readonly #settings: ConnectionSettings;
  #session: Promise<ClientHttp2Session | undefined> | undefined;
  /** There once the server is known to speak no HTTP/2. */
  #http1: Http1Connections | undefined;
  #closed = false;

  constructor(origin: URL, settings: ConnectionSettings) {
    this.#origin = origin;
    this.#settings = settings;
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const session = await this.#connected(request);
    if (session === undefined) return await (this.#http1 as Http1Connections).send(request);
    return await exchange(request, (settle) => openStream(session, request, settle));
  }

  close(): void {
    this.#closed = true;
    this.#http1?.close();
    this.#session?.then(
      (session) => session?.destroy(),
      () => {},
    );
  }

  async #connected({ signal, stallMaxMs }: HttpRequest): Promise<ClientHttp2Session | undefined> {
    if (this.#http1 !== undefined) return undefined;
    if (this.#session === undefined) {
      // The connection is for others too: only time ends its making, not the signal of one request.
      const connecting = this.#connect(AbortSignal.timeout(stallMaxMs));
      this.#session = connecting;
      connecting.catch(() => this.#forget(connecting));
    }
    signal?.throwIfAborted();
    return await this.#session;
  }

  async #connect(signal: AbortSignal): Promise<ClientHttp2Session | undefined> {
    const socket = await connectTls(this.#origin, this.#settings, ["h2", "http/1.1"], signal);
    if (this.#closed) {
      socket.destroy();
      throw new Error("closed while connecting");
    }
    if (socket.alpnProtocol !== "h2") {
      const spare: Duplex[] = [socket];
      this.#http1 = new Http1Connections(this.#origin, this.#settings, spare);
      return undefined;
    }
    return this.#openSession(socket);
  }

  #openSession(socket: TLSSocket): ClientHttp2Session {
    const session = process.getBuiltinModule("node:http2").connect(this.#origin, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
    });
    session.setLocalWindowSize(SESSION_WINDOW_BYTES);
    const forget = (): void => this.#forget();
    for (const event of ["goaway", "close", "error"] as const) session.on(event, forget);
    return session;
  }

  #forget(connecting?: Promise<ClientHttp2Session | undefined>): void {
    if (connecting === undefined || this.#session === connecting) this.#session = undefined;
  }
}

function openStream(session: ClientHttp2Session, request: HttpRequest, settle: Exchange): ExchangeStream {
  const { method, url, headers, body } = request;
  const stream: ClientHttp2Stream = session.request(
    {
      ":method": method,
      ":scheme": "https",
      ":authority": url.host,
      ":path": url.pathname + url.search,
      ...headers,
    },
    { endStream: body === undefined },
  );
  stream.once("response", (received: IncomingHttpHeaders & { readonly ":status"?: number }) => {
    settle.answered({ url, status: received[":status"] ?? 0, headers: received, body: stream });
  });
  stream.once("error", (error) => settle.failed(error, false));
  stream.once("close", () => {
    settle.failed(Object.assign(new Error("closed without an answer"), { code: "ECONNRESET" }), false);
  });
  return stream;
}
