import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { constants } from "node:os";
import { OrlopError } from "@orlop/core";
import { parseSignal } from "../run/life-options.ts";
import { ChunkQueue, type OutputChunk } from "./chunk-queue.ts";
import { OutputPipe } from "./output-pipe.ts";

/** How a command has ended. */
export interface CommandEnd {
  /** 128 + n where signal n has ended it, as a shell reports it. */
  readonly exitCode: number;
  /** Name of the signal that has ended it: `SIGKILL`. */
  readonly signal: NodeJS.Signals | undefined;
  /** The kernel has killed something in the sandbox for lack of memory. */
  readonly oomKilled: boolean;
  /** Its own time limit, or the sandbox's, has ended it. */
  readonly timedOut: boolean;
}

/** A program that runs in a sandbox, as its maker has it. */
export interface StartedProgram {
  /** Ends of pipes of this process. */
  readonly stdout: number;
  readonly stderr: number;
  /** Absent: it reads nothing. */
  readonly stdin: number | undefined;
  wait(): Promise<Omit<CommandEnd, "timedOut">>;
  signal(signal: number): Promise<void>;
  /** With all that it has started. */
  end(): Promise<void>;
}

interface ProcessOptions {
  readonly input: string | Uint8Array | undefined;
  readonly timeoutMs: number | undefined;
  readonly signals: readonly AbortSignal[];
  /** Why the sandbox itself has ended, once it has. */
  sandboxEnd(): "timeout" | "closed" | undefined;
}

/**
 * A program in a sandbox. Its output is taken by a loop over it, once, already split by descriptor; who takes nothing makes
 * it wait when about a megabyte has come together. A loop that is left before its end ends the program.
 */
export class SandboxProcess implements AsyncIterable<OutputChunk>, AsyncDisposable {
  /** Resolves when it has ended. Rejects with OrlopError `cancelled` when a signal has ended it, or the sandbox was closed. */
  readonly ended: Promise<CommandEnd>;
  readonly #started: Promise<StartedProgram>;
  readonly #queue: ChunkQueue;
  readonly #options: ProcessOptions;
  #pipes: readonly OutputPipe[] = [];
  #isOver = false;
  #timedOut = false;
  #aborted: AbortSignal | undefined;

  /** @internal */
  constructor(start: () => Promise<StartedProgram>, options: ProcessOptions) {
    this.#options = options;
    this.#queue = new ChunkQueue(
      () => this.#eachPipe((pipe) => pipe.pause()),
      () => this.#eachPipe((pipe) => pipe.resume()),
    );
    this.#aborted = options.signals.find(({ aborted }) => aborted);
    this.#started = this.#aborted === undefined ? start() : Promise.reject(this.#cancelled());
    this.ended = this.#attend();
    // Who only loops hears of it there.
    this.ended.catch(() => {});
  }

  /**
   * Sends it a signal, by name or number.
   *
   * @throws OrlopError `conflict` when it has ended, `invalid` for what is no signal
   */
  async kill(signal: NodeJS.Signals | number = "SIGTERM"): Promise<void> {
    await (await this.#started).signal(parseSignal(String(signal)));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<OutputChunk, void, undefined> {
    try {
      for (;;) {
        const isLast = this.#isOver;
        const chunks = await this.#queue.take(this.ended.catch(() => {}));
        yield* chunks;
        if (isLast && chunks.length === 0) break;
      }
      await this.ended;
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  /** Ends it with all that it has started, and waits until that is so. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOver) await this.#end();
    await this.ended.catch(() => {});
  }

  async #attend(): Promise<CommandEnd> {
    await using stack = new AsyncDisposableStack();
    stack.defer(() => {
      this.#isOver = true;
    });
    const program = await this.#started;
    this.#pipes = [this.#open(1, program.stdout), this.#open(2, program.stderr)];
    if (program.stdin !== undefined) giveInput(program.stdin, this.#options.input);
    for (const signal of this.#options.signals) {
      const abort = (): void => {
        this.#aborted ??= signal;
        void this.#end().catch(() => {});
      };
      signal.addEventListener("abort", abort);
      stack.defer(() => signal.removeEventListener("abort", abort));
      if (signal.aborted) abort();
    }
    const { timeoutMs } = this.#options;
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => this.#expire(), timeoutMs);
    stack.defer(() => clearTimeout(timer));
    stack.defer(() => this.#eachPipe((pipe) => pipe.finish()));
    const end = await program.wait();
    if (this.#aborted !== undefined) throw this.#cancelled();
    const sandboxEnd = this.#options.sandboxEnd();
    if (sandboxEnd === "closed") throw new OrlopError("cancelled", "Cannot finish command: its sandbox was closed");
    return { ...end, timedOut: this.#timedOut || sandboxEnd === "timeout" };
  }

  #open(fd: 1 | 2, end: number): OutputPipe {
    return new OutputPipe(end, (data) => this.#queue.add({ fd, data }));
  }

  #eachPipe(act: (pipe: OutputPipe) => void): void {
    for (const pipe of this.#pipes) act(pipe);
  }

  #expire(): void {
    this.#timedOut = true;
    void this.#end().catch(() => {});
  }

  async #end(): Promise<void> {
    // One that waits for room in a pipe is killed all the same.
    await (await this.#started.catch(() => undefined))?.end();
  }

  #cancelled(): OrlopError {
    const cause: unknown = this.#aborted?.reason;
    return new OrlopError("cancelled", "Cannot finish command: a signal has ended it", { cause });
  }
}

function giveInput(fd: number, input: string | Uint8Array | undefined): void {
  if (input === undefined || input.length === 0) {
    closeSync(fd);
    return;
  }
  const socket = new Socket({ fd, readable: false, writable: true });
  // Who has read enough closes its end: EPIPE.
  socket.on("error", () => {});
  socket.end(input);
}

/** Name of a signal by its number. */
export function signalName(number: number | undefined): NodeJS.Signals | undefined {
  const names = Object.entries(constants.signals) as [NodeJS.Signals, number][];
  return names.find(([, each]) => each === number)?.[0];
}
