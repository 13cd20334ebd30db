import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { createSecureContext } from "node:tls";
import type { CertificateAuthority } from "./certificates/certificate-authority.ts";

/** A request as a server has got it. */
interface SeenRequest {
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly content: string;
}

/** What the next request is answered with. */
interface GivenAnswer {
  readonly status?: number;
  readonly headers: Readonly<Record<string, string>> | string[];
  readonly content?: Buffer;
}

/**
 * Servers on the loopback that remember what they have been asked: `/back` gives the content back, `/wait` begins and does not end,
 * everything else tells what was asked, also in the field X-Echo.
 */
export class OtherWorld implements AsyncDisposable {
  readonly #seen: SeenRequest[] = [];
  readonly #secure: Server;
  readonly #plain: Server;
  readonly #closing: (() => void)[];
  next: GivenAnswer | undefined;

  private constructor(authority: CertificateAuthority, names: readonly string[]) {
    const contexts = new Map(names.map((name) => [name, createSecureContext(authority.issue(name))]));
    const fallback = [...contexts.values()][0];
    const take = (request: IncomingMessage, response: ServerResponse): void => void this.#answer(request, response);
    const secure = createSecureServer(
      { SNICallback: (name, callback) => callback(null, contexts.get(name) ?? fallback) },
      take,
    );
    secure.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    const plain = createServer(take);
    [this.#secure, this.#plain] = [secure, plain];
    this.#closing = [() => secure.closeAllConnections(), () => plain.closeAllConnections()];
  }

  static async start(authority: CertificateAuthority, names: readonly string[]): Promise<OtherWorld> {
    const world = new OtherWorld(authority, names);
    for (const server of [world.#secure, world.#plain]) await once(server.listen(0, "127.0.0.1"), "listening");
    return world;
  }

  get port(): number {
    return (this.#secure.address() as AddressInfo).port;
  }

  get plainPort(): number {
    return (this.#plain.address() as AddressInfo).port;
  }

  /** What has been asked since it was taken last. */
  take(): readonly SeenRequest[] {
    return this.#seen.splice(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = [this.#secure, this.#plain].map((server) => new Promise((resolve) => server.close(resolve)));
    for (const close of this.#closing) close();
    await Promise.all(closed);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url, headers, method } = request;
    const content = await text(request);
    this.#seen.push({ url, headers, content });
    const { next } = this;
    this.next = undefined;
    if (next !== undefined) {
      response.writeHead(next.status ?? 200, next.headers).end(method === "HEAD" ? undefined : next.content);
      return;
    }
    response.setHeader("X-Echo", `${url} ${headers["x-key"]}`);
    if (url === "/wait") response.write("begun");
    else if (url === "/back") response.end(content);
    else response.end(JSON.stringify({ url, headers }));
  }

  /** Says everything again in capitals. */
  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { url, headers } = request;
    this.#seen.push({ url, headers, content: "" });
    socket.on("error", () => {});
    socket.write(
      `HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Key: ${headers["x-key"]}\r\n\r\n`,
    );
    const say = (chunk: Buffer): void => void socket.write(chunk.toString().toUpperCase());
    if (head.length > 0) say(head);
    socket.on("data", say);
  }
}
