import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { OrlopError } from "@orlop/core";
import type { Decoded, Encodable, Schema } from "@orlop/core/protobuf";
import { type Api, type Methods, RPC_CODE, rpcCodeOf, untyped } from "@orlop/core/rpc";
import { encodeFrame, FRAME_TYPE, type Frame, FrameReader } from "./frame.ts";
import { RPC } from "./rpc-messages.ts";

/** What a handler knows of the call beside its request. */
export interface CallContext {
  /** Aborted when the caller's time is up, or its connection has ended. */
  readonly signal: AbortSignal;
}

/** What answers the methods of a service. */
type Handlers<S extends Schema, M extends Methods<S>> = {
  readonly [Name in keyof M]: (
    request: Decoded<S, M[Name][0]>,
    context: CallContext,
  ) => Promise<Encodable<S, M[Name][1]>> | Encodable<S, M[Name][1]>;
};

type AnyHandler = (request: Decoded<Schema, string>, context: CallContext) => Promise<Encodable<Schema, string>>;

/** A service that can be called, by its name on the wire. */
export interface Service {
  readonly name: string;
  /** Undefined when there is no such method. */
  readonly call: (method: string, payload: Uint8Array, context: CallContext) => Promise<Uint8Array> | undefined;
}

export function service<S extends Schema, M extends Methods<S>>(api: Api<S, M>, handlers: Handlers<S, M>): Service {
  const { service: name, methods } = api;
  const codec = untyped(api.codec);
  return {
    name,
    call: (method, payload, context) => {
      if (!Object.hasOwn(methods, method)) return undefined;
      const [request, response] = methods[method] as readonly [string, string];
      const handle = handlers[method] as AnyHandler;
      const answer = async (): Promise<Uint8Array> =>
        codec.encode(response, await handle(codec.decode(request, payload), context));
      return answer();
    },
  };
}

/** Calls under way over one connection; a client that sends more waits at its socket. */
const CALLS_MAX = 1024;

/**
 * Serves ttrpc over unix sockets. Connections are independent of each other; what a client sends that is no ttrpc ends its
 * connection. Streams are not offered: a request for one is refused as unimplemented.
 */
export class TtrpcServer implements AsyncDisposable {
  readonly #services: ReadonlyMap<string, Service>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(services: readonly Service[]) {
    this.#services = new Map(services.map((each) => [each.name, each]));
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Listens at a path, or on a socket that listens already, by its descriptor. Throws `failed` when that cannot be. */
  static async listen(
    services: readonly Service[],
    where: { readonly path: string } | { readonly fd: number },
  ): Promise<TtrpcServer> {
    const ttrpc = new TtrpcServer(services);
    const server = ttrpc.#server;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", (cause) =>
      reject(
        new OrlopError(
          "failed",
          `Cannot listen at "${"path" in where ? where.path : `fd ${where.fd}`}": ${cause.message}`,
          {
            cause,
          },
        ),
      ),
    );
    server.listen(where, resolve);
    await promise;
    return ttrpc;
  }

  /** Lets this process end although the server listens. */
  unref(): void {
    this.#server.unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    const ends = [...this.#sockets].map((socket) => once(socket, "close"));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all([promise, ...ends]);
  }

  #accept(socket: Socket): void {
    const connection = new Connection(this.#services, socket);
    this.#sockets.add(socket);
    socket.on("data", (chunk: Buffer) => connection.receive(chunk));
    // What it was about is said by its end.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      connection.end();
    });
  }
}

const NANOSECONDS_IN_MILLISECOND = 1_000_000n;
/** setTimeout takes 31 bits; a caller with more time than that has all of it. */
const TIMEOUT_MAX_MS = 0x7fff_ffff;

class Connection {
  readonly #services: ReadonlyMap<string, Service>;
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #ended = new AbortController();
  #running = 0;

  constructor(services: ReadonlyMap<string, Service>, socket: Socket) {
    this.#services = services;
    this.#socket = socket;
  }

  receive(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.read(chunk)) this.#start(frame);
    } catch {
      // Behind a frame that is none nothing can be found any more.
      this.#socket.destroy();
    }
  }

  end(): void {
    this.#ended.abort(new OrlopError("cancelled", "Cannot answer call: the connection has ended"));
  }

  #start(frame: Frame): void {
    if (++this.#running >= CALLS_MAX) this.#socket.pause();
    void this.#answer(frame).finally(() => {
      if (--this.#running < CALLS_MAX) this.#socket.resume();
    });
  }

  async #answer(frame: Frame): Promise<void> {
    const { stream } = frame;
    let data: Buffer;
    try {
      data = RPC.encode("Response", { payload: await this.#handle(frame) });
    } catch (error) {
      data = RPC.encode("Response", { status: statusOf(error) });
    }
    if (!this.#socket.writable) return;
    try {
      this.#socket.write(encodeFrame({ stream, type: FRAME_TYPE.response, flags: 0, data }));
    } catch (error) {
      const status = RPC.encode("Response", { status: statusOf(error) });
      this.#socket.write(encodeFrame({ stream, type: FRAME_TYPE.response, flags: 0, data: status }));
    }
  }

  async #handle({ stream, type, flags, data }: Frame): Promise<Uint8Array> {
    if (stream % 2 === 0) throw new OrlopError("invalid", `Cannot serve stream ${stream}: a client's number is odd`);
    if (type !== FRAME_TYPE.request || flags !== 0) {
      throw new OrlopError("unsupported", `Cannot serve stream ${stream}: streams are not offered`);
    }
    const { service, method, payload, timeoutNano } = RPC.decode("Request", data);
    const timeoutMs = timeoutNano / NANOSECONDS_IN_MILLISECOND;
    const limited = timeoutMs > 0n && timeoutMs <= BigInt(TIMEOUT_MAX_MS);
    const { signal } = this.#ended;
    const context = { signal: limited ? AbortSignal.any([signal, AbortSignal.timeout(Number(timeoutMs))]) : signal };
    const answer = this.#services.get(service)?.call(method, payload, context);
    if (answer !== undefined) return answer;
    throw new OrlopError("unsupported", `Cannot call "${service}/${method}": there is no such method`);
  }
}

/** Our own mistakes are told apart from those of the world. */
function statusOf(error: unknown): { readonly code: number; readonly message: string } {
  if (error instanceof OrlopError) return { code: rpcCodeOf(error.code), message: error.message };
  return { code: RPC_CODE.internal, message: error instanceof Error ? error.message : String(error) };
}
