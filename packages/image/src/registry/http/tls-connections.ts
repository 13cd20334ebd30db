import { connectTls } from "./connect-socket.ts";
import { ConnectionError } from "./connection-failure.ts";
import type { ConnectionSettings, Connections, HttpRequest, HttpResponse } from "./http-exchange.ts";
import { Http1Connections } from "./http1-connections.ts";
import { Http2Session } from "./http2-session.ts";
import { StallError } from "./stall-timer.ts";

/** TLS with one origin: HTTP/2 where the server wants it (RFC 9113, section 3.2), else HTTP/1.1. */
export class TlsConnections implements Connections {
  readonly #origin: URL;
  readonly #settings: ConnectionSettings;
  #session: Promise<Http2Session | Http1Connections> | undefined;
  #isClosed = false;

  constructor(origin: URL, settings: ConnectionSettings) {
    this.#origin = origin;
    this.#settings = settings;
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const connected = await this.#connected(request.stallMaxMs);
    return await connected.send(request);
  }

  close(): void {
    this.#isClosed = true;
    this.#session?.then(
      (session) => session.close(),
      () => {},
    );
  }

  async #connected(stallMaxMs: number): Promise<Http2Session | Http1Connections> {
    const known = this.#session;
    if (known !== undefined) {
      const session = await known;
      if (session instanceof Http1Connections || session.isOpen) return session;
      if (this.#session === known) this.#session = undefined;
    }
    if (this.#session === undefined) {
      const connecting = this.#connect(stallMaxMs);
      this.#session = connecting;
      connecting.catch(() => this.#forget(connecting));
    }
    return await this.#session;
  }

  /** The connection is for others too, so that only time ends its making, not the signal of one request. */
  async #connect(stallMaxMs: number): Promise<Http2Session | Http1Connections> {
    const limitMs = Math.min(stallMaxMs, this.#settings.dialTimeoutMs ?? stallMaxMs);
    const signal = AbortSignal.timeout(limitMs);
    const connecting = connectTls(this.#origin, this.#settings, ["h2", "http/1.1"], { signal });
    const socket = await connecting.catch((error: unknown) => {
      throw signal.aborted ? new StallError(limitMs) : new ConnectionError(error, false);
    });
    if (this.#isClosed) {
      socket.destroy();
      throw new ConnectionError(new Error("closed while connecting"), false);
    }
    if (socket.alpnProtocol !== "h2") return new Http1Connections(this.#origin, this.#settings, socket);
    return new Http2Session(this.#origin, socket, () => this.#forget());
  }

  #forget(connecting?: Promise<Http2Session | Http1Connections>): void {
    if (connecting === undefined || this.#session === connecting) this.#session = undefined;
  }
}
