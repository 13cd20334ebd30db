import type { Step } from "./instruction.ts";
import type { Program } from "./program.ts";
import { filledFrom, sourceOf } from "./program-template.ts";

/**
 * From an instruction to the step it belongs to: what is left of a program once it was sent. A hundredth of its size, for
 * as long as its container runs; of a program that came of a template next to nothing.
 */
export class SourceMap {
  /** In the order of the instructions; undefined: forgotten. */
  #steps: readonly (Step | undefined)[];
  /** Where each of them begins. */
  readonly #from: readonly number[];
  readonly #length: number;
  /** What a step says of this program. */
  readonly #say: (step: Step) => Step;
  readonly #isShared: boolean;
  readonly #forgotten = new Set<string>();

  constructor(program: Program) {
    const { template, values } = filledFrom(program) ?? {};
    const { steps, from, length } = template?.source ?? sourceOf(program);
    this.#steps = steps;
    this.#from = from;
    this.#length = length;
    this.#isShared = template !== undefined;
    this.#say = (step) => template?.say(step, values?.texts ?? []) ?? step;
  }

  /** Undefined for an index that the program does not have, or whose step has been forgotten. */
  step(index: number): Step | undefined {
    if (index < 0 || index >= this.#length) return undefined;
    const step = this.#steps[this.#from.findLastIndex((from) => from <= index)];
    return step === undefined || this.#forgotten.has(step.role) ? undefined : this.#say(step);
  }

  /** Lets go of the steps of a role, all of which are done. */
  forget(role: string): void {
    this.#forgotten.add(role);
    if (!this.#isShared) this.#steps = this.#steps.map((step) => (step?.role === role ? undefined : step));
  }
}
