import type { Step } from "./instruction.ts";
import type { Program } from "./program.ts";

/**
 * From an instruction to the step it belongs to: what is left of a program once it was sent. A hundredth of its size, for
 * as long as its container runs.
 */
export class SourceMap {
  readonly #steps: readonly Step[];
  readonly #stepOf: Uint16Array;

  constructor({ steps, instructions }: Program) {
    this.#steps = steps;
    this.#stepOf = Uint16Array.from(instructions, ({ step }) => step);
  }

  /** Undefined for an index that the program does not have. */
  step(index: number): Step | undefined {
    return this.#steps[this.#stepOf[index] ?? -1];
  }
}
