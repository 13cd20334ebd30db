import type { TestOutcome } from "../tests/test-outcome.ts";

/** What the machine says about a test file that has ended. */
export interface FileReport {
  /** From the checkout's root. */
  readonly file: string;
  readonly seconds: number;
  readonly outcome: TestOutcome;
}
