import { closeSync } from "node:fs";
import type { PipeEnds } from "../run/make-pipes.ts";

/**
 * Pipes for the output of the first command, made while its sandbox is: making them waits for another process, and nobody
 * need wait for that. They have no names, and go with this process.
 */
export class SparePipes implements AsyncDisposable {
  readonly #make: () => Promise<readonly PipeEnds[]>;
  #pipes: Promise<readonly PipeEnds[]> | undefined;
  #isOver = false;

  /** @param make makes two */
  constructor(make: () => Promise<readonly PipeEnds[]>) {
    this.#make = make;
  }

  /** Begins to make them. What it fails at is told by {@link take}. */
  prepare(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pipes = this.#make();
    this.#pipes.catch(() => {});
  }

  /** Two pipes, which are the caller's: those that were prepared, once, or others. */
  async take(): Promise<readonly PipeEnds[]> {
    const pipes = this.#pipes;
    this.#isOver = true;
    this.#pipes = undefined;
    return await (pipes ?? this.#make());
  }

  /** Waits for those that are being made, and closes what nobody has taken. */
  async [Symbol.asyncDispose](): Promise<void> {
    const pipes = this.#pipes;
    this.#isOver = true;
    this.#pipes = undefined;
    for (const { reader, writer } of (await pipes?.catch(() => undefined)) ?? []) {
      closeSync(reader);
      closeSync(writer);
    }
  }
}
