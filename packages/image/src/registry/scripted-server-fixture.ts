import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
}

type Script = (request: IncomingMessage, answer: ServerResponse, socket: Socket) => void;

/** A server on the loopback address that does what a test says, and remembers what it was asked. */
export class ScriptedServer implements AsyncDisposable {
  readonly host: string;
  readonly seen: SeenRequest[] = [];
  readonly #server: Server;

  private constructor(server: Server, script: Script) {
    this.#server = server;
    this.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request: IncomingMessage, answer: ServerResponse) => {
      this.seen.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers });
      script(request, answer, request.socket);
    });
  }

  static async start(script: Script, server: Server = createServer()): Promise<ScriptedServer> {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new ScriptedServer(server, script);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

/** The range that a request asks for, of content of this size. */
export function askedRange(request: IncomingMessage, size: number): { readonly first: number; readonly last: number } {
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  return match === null ? { first: 0, last: size - 1 } : { first: Number(match[1]), last: Number(match[2]) };
}

/** Answers as a registry that knows ranges does. */
export function serveRange(request: IncomingMessage, answer: ServerResponse, content: Buffer): void {
  const { first, last } = askedRange(request, content.length);
  const part = content.subarray(first, last + 1);
  const isPart = request.headers.range !== undefined;
  answer.writeHead(isPart ? 206 : 200, {
    "content-length": part.length,
    ...(isPart ? { "content-range": `bytes ${first}-${last}/${content.length}` } : {}),
  });
  answer.end(part);
}
