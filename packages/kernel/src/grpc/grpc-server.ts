import { once } from "node:events";
import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { OrlopError } from "@orlop/core";
import { listenAt } from "../unix-socket/listen-at.ts";
import { encodeGrpcMessage, GrpcMessageReader } from "./grpc-message.ts";
import type { GrpcCall, GrpcService } from "./grpc-service.ts";
import { statusTrailers } from "./grpc-status.ts";
import { decodeTimeout } from "./grpc-timeout.ts";

/** Calls under way over one connection; what comes beyond that waits with the caller. */
const CALLS_MAX = 256;
/** So long a caller may take to read the last answers when the server ends. */
const FLUSH_MAX_MS = 2000;

/**
 * Serves methods over gRPC at a unix socket that is its user's alone. A caller who breaks the protocol harms nobody but
 * himself. When it is disposed, no call is taken any more, and those under way are waited for.
 */
export class GrpcServer implements AsyncDisposable {
  readonly #services: ReadonlyMap<string, GrpcService>;
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #answers = new Set<Answer>();
  #place: Disposable | undefined;

  private constructor(services: readonly GrpcService[]) {
    this.#services = new Map(services.map((each) => [each.name, each]));
    this.#server = createServer({ settings: { maxConcurrentStreams: CALLS_MAX } });
    this.#server.on("session", (session) => this.#accept(session));
    this.#server.on("stream", (stream: ServerHttp2Stream, headers) => this.#start(stream, headers));
  }

  /** @throws OrlopError as `listenAt` */
  static async listen(services: readonly GrpcService[], path: string): Promise<GrpcServer> {
    const server = new GrpcServer(services);
    server.#place = await listenAt(server.#server, path);
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#place?.[Symbol.dispose]();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    // Says to each peer that calls go elsewhere from now on.
    for (const session of this.#sessions) session.close();
    await Promise.all([...this.#answers].map(({ given }) => given));
    const timer = setTimeout(() => this.#destroy(), FLUSH_MAX_MS);
    await Promise.all([...this.#answers].map(({ sent }) => sent));
    clearTimeout(timer);
    this.#destroy();
    await promise;
  }

  #destroy(): void {
    for (const session of this.#sessions) session.destroy();
  }

  #accept(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    // What it was about is said by its end.
    session.on("error", () => {});
    session.on("close", () => this.#sessions.delete(session));
  }

  #start(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on("error", () => {});
    const answer = new Answer(stream, headers, this.#services);
    this.#answers.add(answer);
    void answer.sent.then(() => this.#answers.delete(answer));
  }
}

const RESPONSE: OutgoingHttpHeaders = { ":status": 200, "content-type": "application/grpc" };

/** One call. */
class Answer {
  readonly #stream: ServerHttp2Stream;
  readonly #services: ReadonlyMap<string, GrpcService>;
  readonly #gone = new AbortController();
  /** Nothing is at work on it any more. */
  readonly given: Promise<void>;
  /** Nor on its way to the caller. */
  readonly sent: Promise<void>;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, services: ReadonlyMap<string, GrpcService>) {
    this.#stream = stream;
    this.#services = services;
    const { promise, resolve } = Promise.withResolvers<void>();
    stream.on("close", () => {
      this.#gone.abort(new OrlopError("cancelled", "Cannot answer call: the caller has gone"));
      resolve();
    });
    this.given = this.#give(headers);
    this.sent = Promise.all([this.given, promise]).then(() => {});
  }

  async #give(headers: IncomingHttpHeaders): Promise<void> {
    const isGrpc = headers[":method"] === "POST" && /^application\/grpc(?:[+;]|$)/.test(headers["content-type"] ?? "");
    if (!isGrpc) return this.#respond({ ":status": 415 });
    try {
      for await (const payload of await this.#messages(headers)) await this.#write(encodeGrpcMessage(payload));
      this.#end(undefined);
    } catch (error) {
      this.#end(error);
    }
  }

  async #messages(headers: IncomingHttpHeaders): Promise<AsyncIterable<Uint8Array>> {
    const timeoutMs = decodeTimeout(headers["grpc-timeout"] as string | undefined);
    const { signal } = this.#gone;
    const call: GrpcCall = {
      signal: timeoutMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      metadata: Object.fromEntries(Object.entries(headers).filter((each): each is [string, string] => isPlain(each))),
    };
    const request = await this.#request();
    const [, service = "", method = ""] = /^\/([^/]+)\/([^/]+)$/.exec(headers[":path"] ?? "") ?? [];
    const answer = this.#services.get(service)?.answer(method, request, call);
    if (answer !== undefined) return answer;
    throw new OrlopError("unsupported", `Cannot call "${service}/${method}": there is no such method`);
  }

  /** The one message that the caller sends. */
  async #request(): Promise<Buffer> {
    const reader = new GrpcMessageReader();
    const found: Buffer[] = [];
    // The answer still goes over it, whatever is wrong with the request.
    for await (const chunk of this.#stream.iterator({ destroyOnReturn: false })) {
      for (const message of reader.read(chunk as Buffer)) found.push(message);
      if (found.length > 1) break;
    }
    const [request] = found;
    if (request === undefined || found.length > 1) {
      throw new OrlopError("invalid", "Cannot answer call: there is not one message");
    }
    reader.end();
    return request;
  }

  async #write(frame: Buffer): Promise<void> {
    const stream = this.#stream;
    this.#gone.signal.throwIfAborted();
    if (!stream.headersSent) stream.respond(RESPONSE, { waitForTrailers: true });
    if (!stream.write(frame)) await once(stream, "drain", { signal: this.#gone.signal });
  }

  #end(error: unknown): void {
    const stream = this.#stream;
    const trailers = statusTrailers(error);
    if (!stream.headersSent) this.#respond({ ...RESPONSE, ...trailers });
    else if (!stream.closed && !stream.destroyed) {
      stream.on("wantTrailers", () => stream.sendTrailers(trailers));
      stream.end();
    }
  }

  /** Headers, and nothing behind them; what the caller still sends is dropped. */
  #respond(headers: OutgoingHttpHeaders): void {
    const stream = this.#stream;
    if (stream.closed || stream.destroyed) return;
    stream.respond(headers, { endStream: true });
    // A reset now would overtake the answer.
    stream.resume();
  }
}

function isPlain([name, value]: readonly [string, unknown]): boolean {
  return !name.startsWith(":") && typeof value === "string";
}
