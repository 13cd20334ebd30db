/** One line of the benchmark: a figure of ours, beside the same figure of a peer where there is one. */
export interface BenchRow {
  /** Short and stable, in kebab-case: `life-cycle`. Also selects the row: `npm run bench -- life-cycle`. */
  readonly name: string;
  /** What was measured, for a reader. */
  readonly what: string;
  readonly unit: BenchUnit;
  readonly ours: number | undefined;
  readonly peer?: number | undefined;
  readonly peerName?: string | undefined;
  readonly goal?: BenchGoal | undefined;
  /** Why a figure is missing, or what a reader needs in order to judge it. */
  readonly note?: string | undefined;
}

type BenchUnit = "ms" | "s" | "kB" | "bytes" | "instructions" | "containers/s" | "leaks";

/** What the figure has to stay below. */
export interface BenchGoal {
  readonly of: "ratio" | "ours";
  readonly max: number;
}

/** Ours divided by the peer's; undefined where one of the two is missing. */
export function ratioOf({ ours, peer }: BenchRow): number | undefined {
  return ours === undefined || peer === undefined ? undefined : ours / peer;
}

/** Undefined where there is no goal, or nothing was measured. */
export function isGoalMet(row: BenchRow): boolean | undefined {
  const value = row.goal?.of === "ratio" ? ratioOf(row) : row.ours;
  return row.goal === undefined || value === undefined ? undefined : value <= row.goal.max;
}
