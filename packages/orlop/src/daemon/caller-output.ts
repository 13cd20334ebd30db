import { Writable } from "node:stream";
import { hostArchitecture, PROGRAM_LOST } from "@orlop/kernel";
import { compileSay, FAREWELL_TEXT_MAX_BYTES } from "@orlop/runtime/launcher";
import type { Output } from "../caller/caller.ts";
import type { CallHands } from "./call-hands.ts";
import { isTerminalOf, type TerminalSize, terminalSize } from "./caller-terminal.ts";

/** So much is kept until the end of a call, which says it then at no cost; more is said in between, and waited for. */
const KEPT_MAX_BYTES: number = FAREWELL_TEXT_MAX_BYTES;

/** A standard descriptor of a caller, to which its own process writes. */
export class CallerOutput extends Writable implements Output {
  readonly #hands: CallHands;
  readonly #pid: number;
  readonly #fd: 1 | 2;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #isTerminal: boolean | undefined;
  #size: TerminalSize | undefined;

  constructor(hands: CallHands, pid: number, fd: 1 | 2) {
    super();
    this.#hands = hands;
    this.#pid = pid;
    this.#fd = fd;
  }

  get isTTY(): boolean {
    this.#isTerminal ??= isTerminalOf(this.#pid, this.#fd);
    return this.#isTerminal;
  }

  get columns(): number | undefined {
    return this.#size?.columns;
  }

  get rows(): number | undefined {
    return this.#size?.rows;
  }

  /** Finds out how large a terminal is, for those who ask then. */
  async learnSize(): Promise<void> {
    this.#size = await terminalSize(this.#hands);
  }

  /** What has not been said yet; it is the taker's to say. */
  take(): Buffer {
    const kept = Buffer.concat(this.#kept);
    this.#kept = [];
    this.#keptBytes = 0;
    return kept;
  }

  /** Resolves when all that was written is kept or said, or nobody reads it. */
  settle(): Promise<void> {
    return new Promise((resolve) => this.write("", () => resolve()));
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#kept.push(chunk);
    this.#keptBytes += chunk.length;
    if (this.#keptBytes < KEPT_MAX_BYTES) done();
    else this.#say(this.take()).then(() => done(), done);
  }

  async #say(text: Buffer): Promise<void> {
    for (let at = 0; at < text.length && this.#hands.alive; at += KEPT_MAX_BYTES) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const program = compileSay(hostArchitecture(), text.subarray(at, at + KEPT_MAX_BYTES), this.#fd);
      this.#hands.submit(program, ({ kind, index, value }) => {
        if (kind === "unstarted") resolve();
        if (kind !== "ended") return;
        if (index === PROGRAM_LOST || value < 0) reject(Object.assign(new Error("nobody reads"), { code: "EPIPE" }));
        else resolve();
      });
      await promise;
    }
  }
}
