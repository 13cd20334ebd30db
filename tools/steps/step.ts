/** What a step found. */
export interface StepResult {
  readonly ok: boolean;
  /** A few words behind the step's name: `112 tests`. */
  readonly note?: string;
  /** Shown only when the step failed. */
  readonly output?: string;
  /** The way out, shown below the output: a command or an instruction. */
  readonly fix?: string;
}

/** One line of `npm run ok`. */
export interface Step {
  /** A word that also selects it: `npm run ok -- types`. */
  readonly name: string;
  run(): Promise<StepResult>;
}
