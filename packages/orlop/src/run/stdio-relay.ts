import { closeSync, readSync } from "node:fs";
import { Socket } from "node:net";
import type { Writable } from "node:stream";
import { caller } from "../caller/caller.ts";
import { makePipes, type PipeEnds } from "./make-pipes.ts";

type Descriptor = 0 | 1 | 2;
type End = "inherit" | "ignore" | number;

/** As much as a pipe usually holds. */
const CHUNK_BYTES = 65_536;

/**
 * Stands between a container without a terminal and the terminal of its caller, or systemd's journal.
 *
 * Whoever has a terminal open, for writing too, can read what is typed there, change its settings and put words into
 * its input; the journal wants to have lines from the service's own processes. So the container has pipes, and this process
 * passes on what goes through them. What was written before disposal is passed on by it; nothing is waited for, whoever may
 * still hold the other end.
 */
export class StdioRelay implements Disposable {
  /** What the container is to have as 0, 1 and 2. */
  readonly ends: readonly [End, End, End];
  readonly #cleanUp: DisposableStack;

  private constructor(ends: readonly [End, End, End], cleanUp: DisposableStack) {
    this.ends = ends;
    this.#cleanUp = cleanUp;
  }

  /**
   * @param relayed those descriptors of this process that the container would have and is not to have itself
   * @throws OrlopError
   */
  static async open(relayed: readonly Descriptor[]): Promise<StdioRelay> {
    const pipes = await makePipes(relayed.length);
    using stack = new DisposableStack();
    const ends: [End, End, End] = ["inherit", "inherit", "inherit"];
    for (const [index, pipe] of pipes.entries()) {
      const fd = relayed[index] ?? 0;
      ends[fd] =
        fd === 0 ? relayInput(pipe, stack) : relayOutput(pipe, fd === 1 ? caller().stdout : caller().stderr, stack);
    }
    return new StdioRelay(ends, stack.move());
  }

  [Symbol.dispose](): void {
    this.#cleanUp.dispose();
  }
}

/** Returns the container's end. */
function relayInput({ reader, writer }: PipeEnds, stack: DisposableStack): number {
  const { stdin } = caller();
  // Held open here too, so that writing to a container that reads no more is no error; it just does not go on.
  stack.defer(() => closeSync(reader));
  const socket = new Socket({ fd: writer, readable: false, writable: true });
  socket.on("error", () => {});
  // A terminal that is gone is the end of the input.
  stdin.on("error", () => void socket.end());
  stdin.pipe(socket);
  stack.defer(() => {
    stdin.unpipe(socket).destroy();
    socket.destroy();
  });
  return reader;
}

/** Returns the container's end. */
function relayOutput({ reader, writer }: PipeEnds, stream: Writable, stack: DisposableStack): number {
  // Held open here too: the pipe does not end before we look for the rest.
  stack.defer(() => closeSync(writer));
  const socket = new Socket({ fd: reader, readable: true, writable: false });
  socket.on("error", () => {});
  // A terminal that is gone takes no more; the container learns that from its signal, and is not kept waiting.
  stream.on("error", () => void socket.resume());
  const passOn = (chunk: Buffer): void => {
    // Node writes to terminals synchronously. What a socket has no room for would pile up here.
    if (stream.write(chunk) || stream.destroyed) return;
    socket.pause();
    stream.once("drain", () => socket.resume());
  };
  socket.on("data", passOn);
  stack.defer(() => {
    // What is read is told to listeners, too.
    socket.off("data", passOn);
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) stream.write(chunk);
    passOnRest(reader, stream);
    socket.destroy();
  });
  return writer;
}

function passOnRest(fd: number, stream: Writable): void {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  try {
    // The pipe does not block, Node has seen to that, and is empty at the latest when its writers have been ended.
    for (let got = -1; got !== 0; ) {
      got = readSync(fd, chunk);
      stream.write(Buffer.from(chunk.subarray(0, got)));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
  }
}
