import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { connectPlain, connectTls, established } from "./connect-socket.ts";
import { ConnectionError } from "./connection-failure.ts";
import type { ConnectionSettings, Connections, HttpRequest, HttpResponse } from "./http-exchange.ts";
import { Http1Connection } from "./http1-connection.ts";
import { ProtocolError } from "./message-head.ts";
import { ProxyError } from "./proxy-error.ts";
import { proxyAuthorization } from "./proxy-tunnel.ts";
import { sendBody } from "./send-body.ts";
import { StallError, StallTimer } from "./stall-timer.ts";

/** As many idle connections are kept: what a pull uses at once. */
const IDLE_MAX = 32;

interface OpenConnection {
  readonly connection: Http1Connection;
  readonly socket: Socket;
  /** It has served a request before. */
  isUsed: boolean;
}

/** HTTP/1.1 with one origin, over connections that stay open. */
export class Http1Connections implements Connections {
  readonly #origin: URL;
  readonly #settings: ConnectionSettings;
  readonly #idle: OpenConnection[] = [];
  readonly #busy = new Set<OpenConnection>();
  /** Where requests in plain text go instead of the origin. */
  readonly #proxy: URL | undefined;
  #isClosed = false;

  /** @param connected a socket with the origin that nobody has read from */
  constructor(origin: URL, settings: ConnectionSettings, connected?: TLSSocket) {
    this.#origin = origin;
    this.#settings = settings;
    this.#proxy = origin.protocol === "http:" ? settings.proxy : undefined;
    if (connected !== undefined) this.#idle.push(open(new Http1Connection(), connected, false));
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    request.signal?.throwIfAborted();
    const used = this.#takeIdle() ?? (await this.#connect(request));
    return await this.#exchange(used, request);
  }

  close(): void {
    this.#isClosed = true;
    for (const { socket } of [...this.#idle.splice(0), ...this.#busy]) socket.destroy();
  }

  #takeIdle(): OpenConnection | undefined {
    // The one that was used last is the least likely to be closed.
    for (let found = this.#idle.pop(); found !== undefined; found = this.#idle.pop()) {
      if (found.connection.isOpen) return found;
    }
    return undefined;
  }

  async #connect({ signal, stallMaxMs }: HttpRequest): Promise<OpenConnection> {
    const limitMs = Math.min(stallMaxMs, this.#settings.dialTimeoutMs ?? stallMaxMs);
    const timeout = AbortSignal.timeout(limitMs);
    const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    try {
      return await this.#connectEither(either);
    } catch (error) {
      throw timeout.aborted ? new StallError(limitMs) : new ConnectionError(error, false);
    }
  }

  async #connectEither(signal: AbortSignal): Promise<OpenConnection> {
    const connection = new Http1Connection();
    const isTunnelled = this.#settings.proxy !== undefined && this.#proxy === undefined;
    const { onread } = isTunnelled ? {} : connection;
    const proxy = this.#proxy;
    const failed = (cause: unknown): never => {
      throw proxy === undefined ? cause : new ProxyError(proxy.host, { cause });
    };
    const to = proxy ?? this.#origin;
    if (to.protocol === "https:") {
      const settings = proxy === undefined ? this.#settings : {};
      const socket = await connectTls(to, settings, ["http/1.1"], { signal, onread }).catch(failed);
      return open(connection, socket, !isTunnelled);
    }
    const socket = connectPlain(to, onread);
    await established(socket, "connect", signal).catch(failed);
    return open(connection, socket, true);
  }

  #exchange(used: OpenConnection, request: HttpRequest): Promise<HttpResponse> {
    const { connection, socket, isUsed } = used;
    const { method, url, signal, body, stallMaxMs } = request;
    this.#busy.add(used);
    return new Promise((resolve, reject) => {
      let isAnswered = false;
      let isRefused = false;
      let isSent = false;
      const stall = new StallTimer(stallMaxMs, () => connection.fail(new StallError(stallMaxMs)));
      const onAbort = (): void => connection.fail(asError(signal?.reason));
      const settle = (): void => {
        stall[Symbol.dispose]();
        signal?.removeEventListener("abort", onAbort);
      };
      signal?.addEventListener("abort", onAbort);
      connection.expect(method, {
        head(head, content) {
          isAnswered = true;
          isRefused = head.status >= 300;
          settle();
          resolve({ url, status: head.status, headers: head.headers, body: content });
        },
        failed(error) {
          settle();
          reject(isAnswered || error instanceof StallError ? error : new ConnectionError(error, isUsed));
        },
        done: (isReusable) => {
          this.#busy.delete(used);
          // A server that answers before it has read everything is not going to read the rest.
          if (isReusable && isSent) this.#keep(used);
          else socket.destroy();
        },
      });
      socket.write(this.#headOf(request), "latin1");
      sendBody(socket, body, {
        refused: () => isRefused,
        onWritten: () => stall.wait(),
        onReading: () => stall.hold(),
      }).then(
        (all) => {
          isSent = all;
        },
        (error: unknown) => {
          settle();
          reject(error);
          connection.fail(asError(error));
        },
      );
    });
  }

  #keep(used: OpenConnection): void {
    used.isUsed = true;
    if (this.#isClosed || this.#idle.length >= IDLE_MAX) used.socket.destroy();
    else this.#idle.push(used);
  }

  /** Values are checked here: whoever could put a line break into one would write headers of their own. */
  #headOf({ method, url, headers }: HttpRequest): string {
    const proxied = this.#proxy === undefined ? {} : proxyAuthorization(this.#proxy);
    const target = this.#proxy === undefined ? url.pathname + url.search : url.href;
    const lines = Object.entries({ host: url.host, ...headers, ...proxied }).map(([name, value]) => {
      if (!/^[a-z0-9-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
        throw new ProtocolError(`cannot be sent such a header "${name}"`);
      }
      return `${name}: ${value}\r\n`;
    });
    return `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`;
  }
}

function open(connection: Http1Connection, socket: Socket, isReadDirectly: boolean): OpenConnection {
  connection.attach(socket, isReadDirectly);
  return { connection, socket, isUsed: false };
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("cancelled", { cause: reason });
}
