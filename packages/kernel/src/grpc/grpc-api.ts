import type { Codec, Decoded, Encodable, Schema } from "@orlop/core/protobuf";

/** Of each method of a service, which message it takes and which it gives; `stream`: any number of them, one after the other. */
export type GrpcMethods<S extends Schema> = Readonly<
  Record<string, readonly [request: keyof S, response: keyof S, kind?: "stream"]>
>;

/** A service, by its name on the wire, with its messages. */
export interface GrpcApi<S extends Schema, M extends GrpcMethods<S>> {
  readonly service: string;
  readonly codec: Codec<S>;
  readonly methods: M;
}

/** Names of methods that give one message. */
export type UnaryMethod<S extends Schema, M extends GrpcMethods<S>> = {
  [Name in keyof M & string]: M[Name][2] extends "stream" ? never : Name;
}[keyof M & string];

/** Names of methods that give any number of messages. */
export type StreamMethod<S extends Schema, M extends GrpcMethods<S>> = {
  [Name in keyof M & string]: M[Name][2] extends "stream" ? Name : never;
}[keyof M & string];

/** What the caller of a method gives. */
export type GrpcRequest<S extends Schema, M extends GrpcMethods<S>, Name extends keyof M> = Encodable<S, M[Name][0]>;
/** What he gets. */
export type GrpcResponse<S extends Schema, M extends GrpcMethods<S>, Name extends keyof M> = Decoded<S, M[Name][1]>;
