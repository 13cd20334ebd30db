/** Over TCP a message goes behind its length. RFC 1035, section 4.2.2. */
const LENGTH_BYTES = 2;

export function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** Messages out of what comes by a stream; keeps no more than one. */
export class StreamMessages {
  readonly #onMessage: (message: Buffer) => void;
  #pending: Buffer = Buffer.alloc(0);

  constructor(onMessage: (message: Buffer) => void) {
    this.#onMessage = onMessage;
  }

  push(chunk: Buffer): void {
    let data = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (data.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + data.readUInt16BE(0);
      if (data.length < end) break;
      this.#onMessage(data.subarray(LENGTH_BYTES, end));
      data = data.subarray(end);
    }
    this.#pending = data;
  }
}
