import type { Readable } from "node:stream";
import type { HttpBody } from "./http-exchange.ts";

const SETTLING = ["readable", "end", "error", "close"] as const;

/** The body that a stream of Node's gives. */
export class StreamBody implements HttpBody {
  readonly #stream: Readable;
  #failure: Error | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on("error", (error) => {
      this.#failure ??= error;
    });
  }

  async read(): Promise<Buffer | undefined> {
    const stream = this.#stream;
    for (;;) {
      const chunk = stream.read() as Buffer | null;
      if (chunk !== null) return chunk;
      if (stream.readableEnded) return undefined;
      if (this.#failure !== undefined) throw this.#failure;
      if (stream.destroyed) throw Object.assign(new Error("closed the stream"), { code: "ECONNRESET" });
      await changed(stream);
    }
  }

  destroy(error: Error = new Error("not wanted any more")): void {
    if (this.#stream.readableEnded) return;
    this.#failure ??= error;
    this.#stream.destroy();
  }
}

function changed(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      for (const event of SETTLING) stream.off(event, settle);
      resolve();
    };
    for (const event of SETTLING) stream.on(event, settle);
  });
}
