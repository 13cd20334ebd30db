import type { Codec, Schema } from "../protobuf/codec.ts";

/** Of each method of a service, which message it takes and which it gives. */
export type Methods<S extends Schema> = Readonly<Record<string, readonly [request: keyof S, response: keyof S]>>;

/** A service, by its name on the wire, with its messages. */
export interface Api<S extends Schema, M extends Methods<S>> {
  readonly service: string;
  readonly codec: Codec<S>;
  readonly methods: M;
}

/** For who calls whatever method comes: the compiler cannot follow a name that is known only when the program runs. */
export function untyped<S extends Schema>(codec: Codec<S>): Codec<Schema> {
  return codec as unknown as Codec<Schema>;
}
