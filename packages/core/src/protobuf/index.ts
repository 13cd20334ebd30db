export { Codec, type Decoded, type Encodable, type Schema } from "./codec.ts";
