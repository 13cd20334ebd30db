import { readSync } from "node:fs";
import { Socket } from "node:net";

/** Docker's number: of what a probe puts out, so much is kept. */
const OUTPUT_MAX_BYTES = 4096;

/** pipe(7): what a pipe holds at most, unless somebody has made it larger. */
const PIPE_CAPACITY_BYTES = 65_536;

/** Takes what a probe writes, so that it never waits, and keeps the beginning. */
export class ProbeOutput implements Disposable {
  readonly #fd: number;
  readonly #socket: Socket;
  readonly #kept: Buffer[] = [];
  #length = 0;
  #isCut = false;
  readonly #keep = (data: Buffer): void => {
    const part = Buffer.from(data.subarray(0, OUTPUT_MAX_BYTES - this.#length));
    this.#isCut ||= part.length < data.length;
    this.#kept.push(part);
    this.#length += part.length;
  };

  /** @param fd the end of a pipe; it is closed with it */
  constructor(fd: number) {
    this.#fd = fd;
    this.#socket = new Socket({ fd, readable: true, writable: false });
    this.#socket.on("data", this.#keep);
    // A pipe's end has no errors but those of our own making.
    this.#socket.on("error", () => {});
  }

  /** Once the probe has ended. What it has left behind is not waited for. */
  take(): string {
    this.#socket.off("data", this.#keep).pause();
    for (let data = this.#socket.read(); data !== null; data = this.#socket.read()) this.#keep(data);
    if (!this.#socket.readableEnded && !this.#socket.destroyed) this.#readRest();
    const text = Buffer.concat(this.#kept).toString("utf8");
    return this.#isCut ? `${text}...` : text;
  }

  #readRest(): void {
    const data = Buffer.allocUnsafe(PIPE_CAPACITY_BYTES);
    try {
      this.#keep(data.subarray(0, readSync(this.#fd, data, 0, data.length, null)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
