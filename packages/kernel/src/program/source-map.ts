import type { Step } from "./instruction.ts";
import type { Program } from "./program.ts";

/**
 * From an instruction to the step it belongs to: what is left of a program once it was sent. A hundredth of its size, for
 * as long as its container runs; all of it in V8's own heap, where it leaves no holes.
 */
export class SourceMap {
  /** In the order of the instructions; undefined: forgotten. */
  #steps: readonly (Step | undefined)[];
  /** Where each of them begins. */
  readonly #from: readonly number[];
  readonly #length: number;

  constructor({ steps, instructions }: Program) {
    const from: number[] = [];
    let last: number | undefined;
    // A loop over an index: this is done for every container.
    for (let index = 0; index < instructions.length; index++) {
      const step = instructions[index]?.step;
      if (step !== last) from.push(index);
      last = step;
    }
    this.#from = from;
    this.#steps = from.map((index) => steps[instructions[index]?.step ?? -1]);
    this.#length = instructions.length;
  }

  /** Undefined for an index that the program does not have, or whose step has been forgotten. */
  step(index: number): Step | undefined {
    if (index < 0 || index >= this.#length) return undefined;
    return this.#steps[this.#from.findLastIndex((from) => from <= index)];
  }

  /** Lets go of the steps of a role, all of which are done. */
  forget(role: string): void {
    this.#steps = this.#steps.map((step) => (step?.role === role ? undefined : step));
  }
}
