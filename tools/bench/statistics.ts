import assert from "node:assert/strict";

/** The middle value, or the mean of the two in the middle: an outlier in either direction does not move it. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  assert(upper !== undefined && lower !== undefined, "the median of nothing");
  return (lower + upper) / 2;
}

/** For what is counted in steps coarser than one run, such as the kernel's clock ticks. */
export function mean(values: readonly number[]): number {
  assert(values.length > 0, "the mean of nothing");
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
