import { type EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { createSecureServer, type Http2SecureServer } from "node:http2";
import { Agent } from "node:https";
import type { Server, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createSecureContext, type SecureContext } from "node:tls";
import { CertificateAuthority } from "./certificates/certificate-authority.ts";
import { Exchange } from "./exchange.ts";
import { forwardRequest, refuse } from "./forward-request.ts";
import { forwardUpgrade, isWebSocket, refuseUpgrade } from "./forward-upgrade.ts";
import type { PlacedSecret } from "./placed-secret.ts";
import { isRefusal, type ProxiedAnswer, type ProxiedRequest, type Refusal, requestedHost } from "./proxied-message.ts";
import { isSameHost, type SecretHost } from "./secret-host.ts";

interface SecretProxyOptions {
  readonly secrets: readonly PlacedSecret[];
  /** Whether a server may be asked now. */
  readonly mayReach: (host: SecretHost) => boolean;
}

/** At a time, of one port; further ones are closed. */
const CONNECTIONS_MAX = 256;
/** Of one connection of HTTP/2. */
const STREAMS_MAX = 128;

/** What a parser lets through, and no request can be made of. The error says it, and that has secrets in it. */
const NOT_SENT: Refusal = { status: 400, what: "the request cannot be passed on" };

/**
 * Where a sandbox's secrets are put in: it answers in the place of the servers that they are for, with certificates of an
 * authority of its own, and passes on to the real ones, whose certificates it verifies. Values are in the memory of this process
 * and in requests to their own servers, and nowhere else.
 */
export class SecretProxy implements AsyncDisposable {
  readonly #options: SecretProxyOptions;
  readonly #hosts: readonly SecretHost[];
  readonly #authority = new CertificateAuthority("orlop: one sandbox's own");
  readonly #contexts = new Map<string, SecureContext>();
  readonly #agent = new Agent({ keepAlive: false });
  readonly #servers = new Set<Server>();
  readonly #sockets = new Set<Socket>();
  /** What has been passed on and not come to its end. */
  readonly #running = new Set<{ readonly host: SecretHost; readonly end: () => void }>();

  constructor(options: SecretProxyOptions) {
    this.#options = options;
    const all = options.secrets.flatMap(({ hosts }) => hosts);
    this.#hosts = all.filter((host, index) => all.findIndex((other) => isSameHost(host, other)) === index);
  }

  /** In PEM: what the sandbox's programs have to trust. */
  get certificate(): string {
    return this.#authority.certificate;
  }

  /** Those that servers listen at, each once. */
  get ports(): readonly number[] {
    return [...new Set(this.#hosts.map(({ port }) => port))];
  }

  /** Answers by a unix socket what the sandbox sends to that port of its servers. */
  async listen(port: number, path: string): Promise<void> {
    const hosts = this.#hosts.filter((host) => host.port === port);
    const server = hosts.some(({ scheme }) => scheme === "https")
      ? this.#secureServer(hosts)
      : createServer({ requestTimeout: 0 });
    const take = (request: ProxiedRequest, answer: ProxiedAnswer): void => this.#forward(request, answer, hosts);
    server.on("request", take);
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(request, socket, head, hosts),
    );
    server.on("connection", (socket: Socket) => this.#keep(socket));
    server.maxConnections = CONNECTIONS_MAX;
    this.#servers.add(server);
    server.listen({ path });
    await once(server, "listening");
  }

  /** Ends what goes to servers that may not be reached any more. */
  recheck(): void {
    for (const { host, end } of this.#running) if (!this.#options.mayReach(host)) end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = [...this.#servers].map((server) => new Promise((resolve) => server.close(resolve)));
    for (const socket of this.#sockets) socket.destroy();
    for (const { end } of this.#running) end();
    this.#agent.destroy();
    await Promise.all(closed);
  }

  #secureServer(hosts: readonly SecretHost[]): Http2SecureServer {
    return createSecureServer({
      allowHTTP1: true,
      settings: { maxConcurrentStreams: STREAMS_MAX },
      // There is no certificate for other names, and none for who says no name.
      SNICallback: (name, callback) => {
        const host = hosts.find((each) => each.name === name.toLowerCase());
        if (host === undefined) callback(new Error("none of the servers that secrets are for"));
        else callback(null, this.#context(host.name));
      },
    });
  }

  #context(name: string): SecureContext {
    const context = this.#contexts.get(name) ?? createSecureContext(this.#authority.issue(name));
    this.#contexts.set(name, context);
    return context;
  }

  #forward(request: ProxiedRequest, answer: ProxiedAnswer, hosts: readonly SecretHost[]): void {
    const host = this.#askable(request, hosts);
    if (isRefusal(host)) return void refuse(answer, host);
    try {
      const upstream = forwardRequest(request, answer, { host, exchange: this.#exchange(host), agent: this.#agent });
      this.#watch(host, answer, () => {
        upstream.destroy();
        answer.destroy();
      });
    } catch {
      refuse(answer, NOT_SENT);
    }
  }

  #upgrade(request: IncomingMessage, client: Duplex, head: Buffer, hosts: readonly SecretHost[]): void {
    client.on("error", () => {});
    const host = this.#askable(request, hosts);
    if (isRefusal(host)) return void refuseUpgrade(client, host);
    if (!isWebSocket(request)) return void refuseUpgrade(client, { status: 501, what: "only WebSockets are made" });
    const exchange = this.#exchange(host);
    try {
      forwardUpgrade(request, client, { host, exchange, agent: this.#agent, head });
      this.#watch(host, client, () => client.destroy());
    } catch {
      refuseUpgrade(client, NOT_SENT);
    }
  }

  #askable(request: ProxiedRequest, hosts: readonly SecretHost[]): SecretHost | Refusal {
    const host = requestedHost(request, hosts);
    if (isRefusal(host) || this.#options.mayReach(host)) return host;
    return { status: 403, what: `the sandbox may not reach ${host.name}:${host.port}` };
  }

  #exchange(host: SecretHost): Exchange {
    const { secrets } = this.#options;
    const own = secrets.filter(({ hosts }) => hosts.some((each) => isSameHost(each, host)));
    return new Exchange({ secrets: own, hidden: secrets });
  }

  /** @param until it is closed */
  #watch(host: SecretHost, until: EventEmitter, end: () => void): void {
    const running = { host, end };
    this.#running.add(running);
    until.once("close", () => this.#running.delete(running));
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
  }
}
