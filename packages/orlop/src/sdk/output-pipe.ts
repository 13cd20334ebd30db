import { readSync } from "node:fs";
import { Socket } from "node:net";

/** pipe(7): what a pipe holds at most, unless somebody has made it larger. */
const PIPE_CAPACITY_BYTES = 65_536;

/** What is left in a pipe is read into this, and copied: few commands leave anything. */
let rest: Buffer | undefined;

/** The end of a pipe that a program writes its output to. */
export class OutputPipe {
  readonly #fd: number;
  readonly #socket: Socket;
  readonly #take: (data: Buffer) => void;

  /** @param fd is closed with it */
  constructor(fd: number, take: (data: Buffer) => void) {
    this.#fd = fd;
    this.#take = take;
    this.#socket = new Socket({ fd, readable: true, writable: false });
    this.#socket.on("data", take);
    // A pipe's end has no errors but those of our own making.
    this.#socket.on("error", () => {});
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /**
   * Takes what is in it and closes it. All that a program has written is there when it has ended; what others that it has
   * left behind write later is theirs, and would be waited for forever.
   */
  finish(): void {
    const socket = this.#socket.off("data", this.#take).pause();
    if (!socket.destroyed) {
      for (let data = socket.read(); data !== null; data = socket.read()) this.#take(data);
      if (!socket.readableEnded && !socket.destroyed) this.#readRest();
    }
    socket.destroy();
  }

  #readRest(): void {
    rest ??= Buffer.allocUnsafe(PIPE_CAPACITY_BYTES);
    const data = rest;
    let length = 0;
    try {
      for (let got = -1; got !== 0 && length < data.length; length += got) {
        got = readSync(this.#fd, data, length, data.length - length, null);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
    if (length > 0) this.#take(Buffer.from(data.subarray(0, length)));
  }
}
