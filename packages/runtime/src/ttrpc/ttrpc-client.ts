import { connect, type Socket } from "node:net";
import { OrlopError } from "@orlop/core";
import type { Decoded, Encodable, Schema } from "@orlop/core/protobuf";
import { type Api, errorCodeOf, type Methods, untyped } from "@orlop/core/rpc";
import { encodeFrame, FRAME_FLAG, FRAME_TYPE, type Frame, FrameReader } from "./frame.ts";
import { RPC } from "./rpc-messages.ts";

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

interface Call {
  readonly resolve: (payload: Uint8Array) => void;
  readonly reject: (error: OrlopError) => void;
}

/** Stream ids have 32 bits, and a client's are odd. */
const STREAM_MAX = 0xffff_ffff;
const STREAM_STEP = 2;

/**
 * One connection to a ttrpc server. Any number of calls may be under way at once. When the connection ends, calls under
 * way fail with `failed` and `closed` resolves. A connection without one keeps no process alive.
 *
 * Streams are not offered: a peer that answers a call with one is refused.
 */
export class TtrpcClient {
  readonly closed: Promise<void>;
  readonly #address: string;
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #calls = new Map<number, Call>();
  #nextStream = 1;
  #gone: OrlopError | undefined;

  private constructor(address: string, socket: Socket) {
    this.#address = address;
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.unref();
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", (cause) => this.#fail(cause.message, cause));
    socket.on("close", () => {
      this.#fail("the connection has ended");
      resolve();
    });
  }

  /** Connects to a unix socket, by its path. Throws `failed` when nobody listens there. */
  static async connect(path: string): Promise<TtrpcClient> {
    const socket = connect({ path });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once("connect", resolve);
    socket.once("error", (cause) =>
      reject(new OrlopError("failed", `Cannot connect to "${path}": ${cause.message}`, { cause })),
    );
    await promise;
    socket.removeAllListeners("error");
    return new TtrpcClient(path, socket);
  }

  get isOpen(): boolean {
    return this.#gone === undefined;
  }

  /** Calls a method of a service. Rejects with the peer's own message, and our code for its. */
  async call<S extends Schema, M extends Methods<S>, Name extends keyof M & string>(
    api: Api<S, M>,
    name: Name,
    value: Encodable<S, M[Name][0]>,
    { signal }: CallOptions = {},
  ): Promise<Decoded<S, M[Name][1]>> {
    const { service } = api;
    const codec = untyped(api.codec);
    const [request, response] = api.methods[name] as readonly [string, string];
    if (this.#gone !== undefined) throw this.#gone;
    if (signal?.aborted) throw cancelled(name, signal);
    const stream = this.#nextStream;
    if (stream > STREAM_MAX) throw this.#fail("its stream ids are used up");
    this.#nextStream += STREAM_STEP;
    const payload = codec.encode(request, value as Encodable<Schema, string>);
    const data = RPC.encode("Request", { service, method: name, payload });
    const frame = encodeFrame({ stream, type: FRAME_TYPE.request, flags: 0, data });
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    this.#calls.set(stream, { resolve, reject });
    this.#socket.ref();
    // An answer that still comes finds nobody; ttrpc has no word to call a request back.
    const abort = (): void => {
      this.#calls.delete(stream);
      reject(cancelled(name, signal as AbortSignal));
    };
    signal?.addEventListener("abort", abort, { once: true });
    this.#socket.write(frame);
    try {
      return codec.decode(response, await promise) as Decoded<S, M[Name][1]>;
    } finally {
      signal?.removeEventListener("abort", abort);
      if (this.#calls.size === 0) this.#socket.unref();
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.read(chunk)) this.#answer(frame);
    } catch (error) {
      // Behind a frame that is none nothing can be found any more.
      this.#fail((error as Error).message, error);
      this.close();
    }
  }

  #answer({ stream, type, flags, data }: Frame): void {
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    this.#calls.delete(stream);
    if (type !== FRAME_TYPE.response || (flags & (FRAME_FLAG.remoteOpen | FRAME_FLAG.noData)) !== 0) {
      call.reject(new OrlopError("unsupported", `Cannot use answer of "${this.#address}": it is a stream`));
      return;
    }
    try {
      const { status, payload } = RPC.decode("Response", data);
      if (status === undefined || status.code === 0) call.resolve(payload);
      else call.reject(new OrlopError(errorCodeOf(status.code), status.message));
    } catch (error) {
      call.reject(error as OrlopError);
    }
  }

  #fail(problem: string, cause?: unknown): OrlopError {
    this.#gone ??= new OrlopError("failed", `Cannot call "${this.#address}": ${problem}`, { cause });
    for (const { reject } of this.#calls.values()) reject(this.#gone);
    this.#calls.clear();
    return this.#gone;
  }
}

function cancelled(name: string, signal: AbortSignal): OrlopError {
  return new OrlopError("cancelled", `Cannot call "${name}": it was cancelled`, { cause: signal.reason });
}
