import type { RuntimeFeatures } from "@orlop/core";
import type { RuntimeBench } from "./runtime-bench.ts";

/** One thing that the contract promises. */
export interface RuntimeSuiteCase {
  /** The test's title: what the runtime does. */
  readonly title: string;
  /** The case is tried only where the runtime says that it has this. */
  readonly needs?: keyof RuntimeFeatures;
  readonly check: (bench: RuntimeBench, features: RuntimeFeatures) => Promise<void>;
}
