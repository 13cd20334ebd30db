import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import type { TLSSocket } from "node:tls";
import { ConnectionError } from "./connection-failure.ts";
import type { HttpRequest, HttpResponse } from "./http-exchange.ts";
import type { Headers } from "./message-head.ts";
import { sendBody } from "./send-body.ts";
import { StallError, StallTimer } from "./stall-timer.ts";
import { StreamBody } from "./stream-body.ts";

/** What may be on its way to us without our say: enough for a fast network over a long distance. */
const STREAM_WINDOW_BYTES = 8 * 1024 * 1024;
const SESSION_WINDOW_BYTES = 32 * 1024 * 1024;

/** HTTP/2 over one connection (RFC 9113). */
export class Http2Session {
  readonly #session: ClientHttp2Session;

  /** @param onGone no more requests can be sent */
  constructor(origin: URL, socket: TLSSocket, onGone: () => void) {
    this.#session = process.getBuiltinModule("node:http2").connect(origin, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
    });
    this.#session.once("connect", () => this.#session.setLocalWindowSize(SESSION_WINDOW_BYTES));
    for (const event of ["goaway", "close", "error"] as const) this.#session.on(event, onGone);
  }

  get isOpen(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  close(): void {
    this.#session.destroy();
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    request.signal?.throwIfAborted();
    const { method, url, headers, body } = request;
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request(
        {
          ":method": method,
          ":scheme": "https",
          ":authority": url.host,
          ":path": url.pathname + url.search,
          ...headers,
        },
        { endStream: body === undefined },
      );
    } catch (error) {
      throw new ConnectionError(error, false);
    }
    return await answerOf(stream, request);
  }
}

function answerOf(stream: ClientHttp2Stream, { url, body, signal, stallMaxMs }: HttpRequest): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    let isRefused = false;
    const content = new StreamBody(stream);
    const fail = (error: unknown): void => {
      settle();
      reject(error);
      if (!isAnswered) stream.destroy();
    };
    const stall = new StallTimer(stallMaxMs, () => fail(new StallError(stallMaxMs)));
    const onAbort = (): void => fail(signal?.reason);
    const settle = (): void => {
      stall[Symbol.dispose]();
      signal?.removeEventListener("abort", onAbort);
    };
    signal?.addEventListener("abort", onAbort);
    stream.once("response", (received: IncomingHttpHeaders & { readonly ":status"?: number }) => {
      const status = received[":status"] ?? 0;
      isAnswered = true;
      isRefused = status >= 300;
      settle();
      resolve({ url, status, headers: headersOf(received), body: content });
    });
    stream.once("error", (error) => fail(new ConnectionError(error, false)));
    stream.once("close", () => {
      const error = Object.assign(new Error("closed without an answer"), { code: "ECONNRESET" });
      fail(new ConnectionError(error, false));
    });
    sendBody(stream, body, {
      refused: () => isRefused,
      onWritten: () => stall.wait(),
      onReading: () => stall.hold(),
    }).then((all) => {
      if (all) stream.end();
      else stream.close();
    }, fail);
  });
}

function headersOf(received: IncomingHttpHeaders): Headers {
  const joined = Object.entries(received).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(", ") : String(value),
  ]);
  return Object.fromEntries(joined) as Headers;
}
