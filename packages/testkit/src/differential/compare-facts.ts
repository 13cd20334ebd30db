/** One fact that two runtimes do not share; undefined where one of them does not have it. */
export interface FactDifference {
  readonly key: string;
  readonly theirs: string | undefined;
  readonly ours: string | undefined;
}

type Facts = ReadonlyMap<string, string>;

/** The fact that says whether the container ran at all. */
export const OUTCOME_KEY = "outcome";

/**
 * What differs, in the order of their facts. Where the outcomes differ (one refused), nothing else is compared: every
 * other fact would follow from that one.
 */
export function compareFacts(theirs: Facts, ours: Facts): readonly FactDifference[] {
  const difference = (key: string): FactDifference => ({ key, theirs: theirs.get(key), ours: ours.get(key) });
  if (theirs.get(OUTCOME_KEY) !== ours.get(OUTCOME_KEY)) return [difference(OUTCOME_KEY)];
  const keys = [...theirs.keys(), ...[...ours.keys()].filter((key) => !theirs.has(key))];
  return keys.map(difference).filter((each) => each.theirs !== each.ours);
}
