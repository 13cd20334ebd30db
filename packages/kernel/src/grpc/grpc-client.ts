import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import { connect as connectSocket } from "node:net";
import { OrlopError } from "@orlop/core";
import type { Codec, Schema } from "@orlop/core/protobuf";
import { untyped } from "@orlop/core/rpc";
import type { GrpcApi, GrpcMethods, GrpcRequest, GrpcResponse, StreamMethod, UnaryMethod } from "./grpc-api.ts";
import { encodeGrpcMessage, GrpcMessageReader } from "./grpc-message.ts";
import { statusError } from "./grpc-status.ts";
import { encodeTimeout } from "./grpc-timeout.ts";

export interface GrpcClientOptions {
  /** Sent with every call; names in small letters. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** No call takes longer. */
  readonly timeoutMs?: number;
}

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** So long a peer may be at work on one call. */
const CALL_MAX_MS = 600_000;

/**
 * A gRPC server at a unix socket, by its path. It is connected to by the first call, and again by the first after the
 * connection has ended; calls under way fail with `failed` then, and none is made twice. Any number may be under way at once.
 * A client without one keeps no process alive.
 */
export class GrpcClient implements Disposable {
  readonly path: string;
  readonly #metadata: Readonly<Record<string, string>>;
  readonly #timeoutMs: number;
  #session: ClientHttp2Session | undefined;
  #calls = 0;

  constructor(path: string, { metadata = {}, timeoutMs = CALL_MAX_MS }: GrpcClientOptions = {}) {
    this.path = path;
    this.#metadata = metadata;
    this.#timeoutMs = timeoutMs;
  }

  /** Calls a method that gives one message. Rejects with the peer's own words, and our code for its. */
  async call<S extends Schema, M extends GrpcMethods<S>, Name extends UnaryMethod<S, M>>(
    api: GrpcApi<S, M>,
    name: Name,
    request: GrpcRequest<S, M, Name>,
    options: CallOptions = {},
  ): Promise<GrpcResponse<S, M, Name>> {
    let found: GrpcResponse<S, M, Name> | undefined;
    for await (const each of this.#messages(api, name, request, options)) {
      if (found !== undefined) throw this.#failure(name, "the answer has more than one message");
      found = each as GrpcResponse<S, M, Name>;
    }
    if (found === undefined) throw this.#failure(name, "the answer has no message");
    return found;
  }

  /** Calls a method that gives any number of messages; who stops to read them ends the call. */
  stream<S extends Schema, M extends GrpcMethods<S>, Name extends StreamMethod<S, M>>(
    api: GrpcApi<S, M>,
    name: Name,
    request: GrpcRequest<S, M, Name>,
    options: CallOptions = {},
  ): AsyncGenerator<GrpcResponse<S, M, Name>> {
    return this.#messages(api, name, request, options) as AsyncGenerator<GrpcResponse<S, M, Name>>;
  }

  [Symbol.dispose](): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  async *#messages<S extends Schema, M extends GrpcMethods<S>>(
    api: GrpcApi<S, M>,
    name: keyof M & string,
    value: unknown,
    { signal }: CallOptions,
  ): AsyncGenerator<unknown> {
    const codec: Codec<Schema> = untyped(api.codec);
    const [request, response] = api.methods[name] as readonly [string, string];
    const message = encodeGrpcMessage(codec.encode(request, value as never));
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    const ends = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    if (ends.aborted) throw this.#cancelled(name, ends, timeout);
    const session = this.#connect();
    this.#hold(session, 1);
    const stream = session.request(this.#headers(`/${api.service}/${name}`));
    // It may come when nobody reads any more.
    stream.on("error", () => {});
    const cancel = (): void => {
      if (!stream.readableEnded) stream.close(constants.NGHTTP2_CANCEL);
    };
    ends.addEventListener("abort", cancel, { once: true });
    try {
      stream.end(message);
      for await (const payload of this.#payloads(stream, name)) yield codec.decode(response, payload);
    } catch (error) {
      if (ends.aborted) throw this.#cancelled(name, ends, timeout);
      throw error instanceof OrlopError ? error : this.#failure(name, reasonOf(session, error), error);
    } finally {
      ends.removeEventListener("abort", cancel);
      cancel();
      this.#hold(session, -1);
    }
  }

  async *#payloads(stream: ClientHttp2Stream, name: string): AsyncGenerator<Buffer> {
    let headers: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders | undefined;
    stream.on("response", (found) => {
      headers = found;
    });
    stream.on("trailers", (found) => {
      trailers = found;
    });
    const reader = new GrpcMessageReader();
    for await (const chunk of stream) {
      checkResponse(headers, (problem) => this.#failure(name, problem));
      yield* reader.read(chunk as Buffer);
    }
    checkResponse(headers, (problem) => this.#failure(name, problem));
    const error = statusError(trailers ?? headers, this.#what(name));
    if (error !== undefined) throw error;
    reader.end();
  }

  #connect(): ClientHttp2Session {
    const known = this.#session;
    if (known !== undefined && !known.closed && !known.destroyed) return known;
    const { path } = this;
    // The authority is what gRPC's own clients say to a unix socket.
    const session = connect("http://localhost", { createConnection: () => connectSocket({ path }) });
    // What it is about is said by the calls under way.
    session.on("error", (error) => failures.set(session, error));
    session.on("close", () => {
      if (this.#session === session) this.#session = undefined;
    });
    session.unref();
    this.#session = session;
    this.#calls = 0;
    return session;
  }

  /** The process stays while there are calls. */
  #hold(session: ClientHttp2Session, change: 1 | -1): void {
    if (this.#session !== session) return;
    this.#calls += change;
    if (this.#calls > 0) session.ref();
    else session.unref();
  }

  #headers(path: string): Record<string, string> {
    return {
      ...this.#metadata,
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      "user-agent": "orlop",
      te: "trailers",
      "grpc-timeout": encodeTimeout(this.#timeoutMs),
    };
  }

  #what(name: string): string {
    return `call "${name}" of "${this.path}"`;
  }

  #failure(name: string, problem: string, cause?: unknown): OrlopError {
    return new OrlopError("failed", `Cannot ${this.#what(name)}: ${problem}`, { cause });
  }

  #cancelled(name: string, ends: AbortSignal, timeout: AbortSignal): OrlopError {
    const why = timeout.aborted ? `it took longer than ${this.#timeoutMs} ms` : "it was cancelled";
    return new OrlopError("cancelled", `Cannot ${this.#what(name)}: ${why}`, { cause: ends.reason });
  }
}

/** Why connections have ended. */
const failures = new WeakMap<ClientHttp2Session, Error>();

function reasonOf(session: ClientHttp2Session, error: unknown): string {
  const failure = failures.get(session);
  if (failure !== undefined) return failure.message;
  if (session.destroyed || session.closed) return "the connection has ended";
  return error instanceof Error ? error.message : String(error);
}

function checkResponse(headers: IncomingHttpHeaders, failure: (problem: string) => OrlopError): void {
  const { ":status": status, "content-type": type } = headers;
  if (status === undefined) throw failure("the answer has ended before it began");
  if (Number(status) !== 200) throw failure(`the answer has HTTP status ${status}`);
  if (!/^application\/grpc(?:[+;]|$)/.test(type ?? "")) throw failure(`the answer is "${type}", not gRPC`);
}
