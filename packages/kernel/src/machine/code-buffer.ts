import assert from "node:assert/strict";

/** One instruction as the emitter meant it, in the words that `objdump` uses for it. */
export interface ListingLine {
  /** From the first instruction. */
  readonly offset: number;
  readonly text: string;
}

export interface AssembledCode {
  readonly code: Buffer;
  readonly listing: readonly ListingLine[];
}

/** Writes the way from the instruction at `at` to `target` into the instruction's bytes. */
type PatchJump = (code: Buffer, at: number, target: number) => void;

interface Jump {
  readonly at: number;
  readonly line: number;
  readonly label: string;
  readonly patch: PatchJump;
}

/** Code while it is being written: its bytes, its labels, and a listing by which a disassembler can prove it right. */
export class CodeBuffer {
  readonly #bytes: number[] = [];
  readonly #listing: ListingLine[] = [];
  readonly #labels = new Map<string, number>();
  readonly #jumps: Jump[] = [];

  /** The label stands for the next instruction. */
  label(name: string): void {
    assert(!this.#labels.has(name), `label ${name} is marked twice`);
    this.#labels.set(name, this.#bytes.length);
  }

  instruction(bytes: readonly number[], text: string): void {
    this.#listing.push({ offset: this.#bytes.length, text });
    this.#bytes.push(...bytes);
  }

  /** An instruction whose last operand is a label that may not be marked yet. */
  jump(bytes: readonly number[], text: string, label: string, patch: PatchJump): void {
    this.#jumps.push({ at: this.#bytes.length, line: this.#listing.length, label, patch });
    this.instruction(bytes, text);
  }

  assemble(): AssembledCode {
    const code = Buffer.from(this.#bytes);
    const listing = [...this.#listing];
    for (const { at, line, label, patch } of this.#jumps) {
      const target = this.#labels.get(label);
      assert(target !== undefined, `label ${label} was never marked`);
      patch(code, at, target);
      listing[line] = { offset: at, text: `${listing[line]?.text}0x${target.toString(16)}` };
    }
    return { code, listing };
  }
}
