import { OrlopError } from "@orlop/core";

/** A flag, and the length: PROTOCOL-HTTP2.md of gRPC, "Length-Prefixed-Message". */
const PREFIX_BYTES = 5;
/** As containerd has it: defaults.DefaultMaxRecvMsgSize. */
export const MESSAGE_MAX_BYTES: number = 16 * 1024 * 1024;

export function encodeGrpcMessage(payload: Uint8Array): Buffer {
  if (payload.length > MESSAGE_MAX_BYTES) throw tooLarge(payload.length);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(payload.length, 1);
  return Buffer.concat([prefix, payload]);
}

/** Cuts what comes over a stream into messages. */
export class GrpcMessageReader {
  readonly #chunks: Buffer[] = [];
  #length = 0;
  /** Prefix and payload of the message on its way; undefined until its prefix is there. */
  #wanted: number | undefined;

  /**
   * Messages that are whole with this chunk.
   *
   * @throws OrlopError `exhausted` for one that is too large, `unsupported` for a compressed one
   */
  *read(chunk: Buffer): Generator<Buffer> {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    for (;;) {
      if (this.#wanted === undefined && this.#length >= PREFIX_BYTES)
        this.#wanted = PREFIX_BYTES + this.#payloadLength();
      if (this.#wanted === undefined || this.#length < this.#wanted) return;
      const all = Buffer.concat(this.#chunks.splice(0));
      const rest = all.subarray(this.#wanted);
      yield all.subarray(PREFIX_BYTES, this.#wanted);
      this.#chunks.push(rest);
      this.#length = rest.length;
      this.#wanted = undefined;
    }
  }

  /** @throws OrlopError `invalid` when the stream has ended within a message */
  end(): void {
    if (this.#length > 0) throw new OrlopError("invalid", "Cannot read message: the stream has ended within it");
  }

  #payloadLength(): number {
    const prefix = Buffer.concat(this.#chunks.splice(0));
    this.#chunks.push(prefix);
    if (prefix[0] !== 0) throw new OrlopError("unsupported", "Cannot read message: it is compressed");
    const length = prefix.readUInt32BE(1);
    if (length > MESSAGE_MAX_BYTES) throw tooLarge(length);
    return length;
  }
}

function tooLarge(length: number): OrlopError {
  const limit = `MESSAGE_MAX_BYTES (${MESSAGE_MAX_BYTES})`;
  return new OrlopError("exhausted", `Cannot transfer message of ${length} bytes: it is larger than ${limit}`);
}
