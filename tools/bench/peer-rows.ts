import type { BenchPlace } from "./bench-place.ts";
import type { BenchGoal, BenchRow } from "./bench-row.ts";
import type { Series } from "./interleave.ts";

interface Comparison<Measure extends string> {
  readonly name: string;
  readonly what: string;
  readonly unit: BenchRow["unit"];
  readonly series: ReadonlyMap<string, Series<Measure>>;
  readonly measure: Measure;
  /** From all samples of a measure to the figure. */
  readonly fold: (values: readonly number[]) => number;
  /** By the peer's name. */
  readonly goals?: Readonly<Record<string, BenchGoal>>;
  readonly note?: string;
}

/** How ours is called among the subjects. */
export const OURS = "orlop";

/** A row for each peer: ours beside it, or the reason why it is missing. */
export function peerRows<Measure extends string>(
  place: BenchPlace,
  comparison: Comparison<Measure>,
): readonly BenchRow[] {
  const { name, what, unit, series, measure, fold, goals = {}, note } = comparison;
  const figure = (subject: string): number | undefined => {
    const values = series.get(subject)?.[measure];
    return values === undefined ? undefined : fold(values);
  };
  const row = { name, what, unit, ours: figure(OURS) };
  return [
    ...place.peers.map((peer) => ({
      ...row,
      peerName: peer.name,
      peer: figure(peer.name),
      goal: goals[peer.name],
      note,
    })),
    ...place.absent.map((peer) => ({ ...row, peerName: peer, note: `${peer} is not installed` })),
  ];
}
