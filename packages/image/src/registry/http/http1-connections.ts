import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import type { Duplex } from "node:stream";
import { connectPlain, connectTls } from "./connect-socket.ts";
import { type Exchange, type ExchangeStream, exchange } from "./exchange.ts";
import type { ConnectionSettings, Connections, HttpRequest, HttpResponse } from "./http-exchange.ts";
import { proxyAuthorization } from "./proxy-tunnel.ts";

/** As many idle connections are kept: what a pull uses at once. */
const IDLE_SOCKETS_MAX = 32;

/** HTTP/1.1 with one origin, over connections that stay open. */
export class Http1Connections implements Connections {
  readonly #agent: Agent;
  /** Where requests in plain text go instead of the origin. */
  readonly #proxy: URL | undefined;

  /** @param spare sockets that are connected already; the first requests take them */
  constructor(origin: URL, settings: ConnectionSettings, spare: Duplex[] = []) {
    const { Agent } = process.getBuiltinModule("node:http");
    const isPlain = origin.protocol === "http:";
    this.#proxy = isPlain ? settings.proxy : undefined;
    this.#agent = new Agent({ keepAlive: true, maxFreeSockets: IDLE_SOCKETS_MAX });
    this.#agent.createConnection = (_options, callback) => {
      const ready = spare.pop();
      if (ready !== undefined && !ready.destroyed) return ready;
      if (isPlain && this.#proxy?.protocol !== "https:") return connectPlain(this.#proxy ?? origin);
      const connecting = isPlain
        ? connectTls(this.#proxy as URL, {}, ["http/1.1"])
        : connectTls(origin, settings, ["http/1.1"]);
      connecting.then(
        (socket) => callback?.(null, socket),
        (error: unknown) => callback?.(error as Error, undefined as unknown as Duplex),
      );
      return undefined;
    };
  }

  send(request: HttpRequest): Promise<HttpResponse> {
    return exchange(request, (settle) => this.#open(request, settle));
  }

  close(): void {
    this.#agent.destroy();
  }

  #open({ method, url, headers }: HttpRequest, settle: Exchange): ExchangeStream {
    const proxied = this.#proxy === undefined ? {} : proxyAuthorization(this.#proxy);
    const options: RequestOptions = {
      agent: this.#agent,
      method,
      // The agent connects; these are the key of its idle connections.
      host: "origin",
      path: this.#proxy === undefined ? url.pathname + url.search : url.href,
      headers: { host: url.host, ...headers, ...proxied },
      // Node would add it to a request with a body.
      setDefaultHeaders: false,
    };
    const stream: ClientRequest = process.getBuiltinModule("node:http").request(options);
    stream.once("response", (incoming: IncomingMessage) => {
      settle.answered({ url, status: incoming.statusCode ?? 0, headers: incoming.headers, body: incoming });
    });
    stream.once("error", (error) => settle.failed(error, stream.reusedSocket));
    return stream;
  }
}
