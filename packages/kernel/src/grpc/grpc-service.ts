import type { Encodable, Schema } from "@orlop/core/protobuf";
import { untyped } from "@orlop/core/rpc";
import type { GrpcApi, GrpcMethods, GrpcResponse } from "./grpc-api.ts";

/** What a handler knows of the call beside its request. */
export interface GrpcCall {
  /** Aborted when the caller's time is up, or he has gone. */
  readonly signal: AbortSignal;
  /** Headers of the call; `containerd-namespace` is one. */
  readonly metadata: Readonly<Record<string, string>>;
}

type Received<S extends Schema, M extends GrpcMethods<S>, Name extends keyof M> = GrpcResponse<
  S,
  { readonly [Each in keyof M]: readonly [M[Each][1], M[Each][0]] },
  Name
>;

/** What answers the methods of a service. */
export type GrpcHandlers<S extends Schema, M extends GrpcMethods<S>> = {
  readonly [Name in keyof M]: (
    request: Received<S, M, Name>,
    call: GrpcCall,
  ) => M[Name][2] extends "stream" ? AsyncIterable<Encodable<S, M[Name][1]>> : Promise<Encodable<S, M[Name][1]>>;
};

/** A service that can be called, by its name on the wire. */
export interface GrpcService {
  readonly name: string;
  /** The messages of the answer; undefined when there is no such method. */
  readonly answer: (method: string, payload: Uint8Array, call: GrpcCall) => AsyncIterable<Uint8Array> | undefined;
}

type AnyHandler = (request: unknown, call: GrpcCall) => AsyncIterable<object> | Promise<object>;

export function grpcService<S extends Schema, M extends GrpcMethods<S>>(
  api: GrpcApi<S, M>,
  handlers: GrpcHandlers<S, M>,
): GrpcService {
  const { service: name, methods } = api;
  const codec = untyped(api.codec);
  return {
    name,
    answer: (method, payload, call) => {
      if (!Object.hasOwn(methods, method)) return undefined;
      const [request, response] = methods[method] as readonly [string, string];
      const handler = handlers[method] as unknown as AnyHandler;
      return (async function* () {
        const answer = handler(codec.decode(request, payload), call);
        if (!(Symbol.asyncIterator in answer))
          yield codec.encode(response, (await answer) as Encodable<Schema, string>);
        else for await (const each of answer) yield codec.encode(response, each as Encodable<Schema, string>);
      })();
    },
  };
}
