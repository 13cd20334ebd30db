import { Writable } from "node:stream";
import { errnoName, hostArchitecture, PROGRAM_LOST } from "@orlop/kernel";
import { compileSay, FAREWELL_TEXT_MAX_BYTES } from "@orlop/runtime/launcher";
import type { Output } from "../caller/caller.ts";
import type { CallHands } from "./call-hands.ts";
import { isTerminalOf, mayBeFull, type TerminalSize, terminalSize } from "./caller-terminal.ts";

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

  /** Resolves when all that was written is kept or said. @throws the failure of a write: EPIPE where nobody reads */
  async settle(): Promise<void> {
    await new Promise<void>((resolve) => this.write("", () => resolve()));
    if (this.errored !== null) throw this.errored;
    // Who says the rest at the end of the call has given its status by then.
    if (this.#keptBytes > 0 && !this.#hands.became && mayBeFull(this.#pid, this.#fd)) await this.#say(this.take());
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
        const code = index === PROGRAM_LOST ? "EPIPE" : value < 0 ? errnoName(-value) : undefined;
        if (code === undefined) resolve();
        else reject(Object.assign(new Error(`cannot write: ${code}`), { code }));
      });
      await promise;
    }
  }
}
