import type { NetworkFeatures } from "@orlop/core";
import type { NetworkBench } from "./network-bench.ts";

/** One promise of the contract. */
export interface NetworkCase {
  readonly title: string;
  /** Features that it is about: a driver without one of them is not asked. */
  readonly needs?: readonly (keyof NetworkFeatures)[];
  check(bench: NetworkBench): Promise<void>;
}
