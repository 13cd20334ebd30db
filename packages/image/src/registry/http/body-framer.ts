import { type Framing, ProtocolError } from "./message-head.ts";

/** Of a chunk's size with its extensions, and of a trailer. */
const LINE_MAX_BYTES = 4_096;
const TRAILERS_MAX = 100;

type ChunkState = "size" | "data" | "data-end" | "trailer";

/** Finds the content of a body and its end in the bytes of a connection (RFC 9112, sections 6 and 7). */
export class BodyFramer {
  #leftBytes: number;
  readonly #isChunked: boolean;
  readonly #isOpen: boolean;
  #state: ChunkState = "size";
  #line = "";
  #trailers = 0;
  #ended: boolean;

  constructor(framing: Framing) {
    this.#isChunked = framing === "chunked";
    this.#isOpen = framing === "until-close";
    this.#leftBytes = typeof framing === "number" ? framing : 0;
    this.#ended = framing === 0;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The end of the connection is the end of the body. */
  get endsWithConnection(): boolean {
    return this.#isOpen;
  }

  /** Bytes that are known to come. */
  get leftBytes(): number {
    return this.#leftBytes;
  }

  /**
   * Takes bytes, gives the content in them to `give` without copying, and returns how many belong to this body.
   *
   * @throws ProtocolError
   */
  take(bytes: Buffer, give: (content: Buffer) => void): number {
    if (this.#isOpen) {
      give(bytes);
      return bytes.length;
    }
    if (!this.#isChunked) {
      const content = bytes.length <= this.#leftBytes ? bytes : bytes.subarray(0, this.#leftBytes);
      this.#leftBytes -= content.length;
      this.#ended = this.#leftBytes === 0;
      if (content.length > 0) give(content);
      return content.length;
    }
    let at = 0;
    while (at < bytes.length && !this.#ended) at += this.#takeChunked(bytes, at, give);
    return at;
  }

  #takeChunked(bytes: Buffer, at: number, give: (content: Buffer) => void): number {
    if (this.#state === "data") {
      const content = bytes.subarray(at, at + this.#leftBytes);
      this.#leftBytes -= content.length;
      if (this.#leftBytes === 0) this.#state = "data-end";
      give(content);
      return content.length;
    }
    const end = bytes.indexOf(0x0a, at);
    const next = end < 0 ? bytes.length : end + 1;
    this.#line += bytes.toString("latin1", at, next);
    if (this.#line.length > LINE_MAX_BYTES) throw new ProtocolError("sends chunks with lines that are too long");
    if (end >= 0) {
      const line = this.#line;
      this.#line = "";
      if (!line.endsWith("\r\n")) throw new ProtocolError("sends chunks that are none");
      this.#takeLine(line.slice(0, -2));
    }
    return next - at;
  }

  #takeLine(line: string): void {
    switch (this.#state) {
      case "size": {
        const size = /^([0-9a-f]{1,12})[ \t]*(?:;|$)/i.exec(line)?.[1];
        if (size === undefined) throw new ProtocolError("sends chunks that are none");
        this.#leftBytes = Number.parseInt(size, 16);
        this.#state = this.#leftBytes === 0 ? "trailer" : "data";
        return;
      }
      case "data-end":
        if (line !== "") throw new ProtocolError("sends chunks that are none");
        this.#state = "size";
        return;
      case "trailer":
        if (line === "") this.#ended = true;
        else if (++this.#trailers > TRAILERS_MAX) throw new ProtocolError("sends too many trailers");
        return;
      case "data":
        return;
    }
  }
}
