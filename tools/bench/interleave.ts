import { setTimeout as sleep } from "node:timers/promises";
import { unlessInterrupted } from "./unless-interrupted.ts";

/** What one run of a subject gives: a number for each measure. */
type Sample<Measure extends string> = Readonly<Record<Measure, number>>;

/** Something to be measured beside others. */
export interface Subject<Measure extends string> {
  readonly name: string;
  once(): Promise<Sample<Measure>>;
}

/** All samples of one subject, by measure. */
export type Series<Measure extends string> = Readonly<Record<Measure, readonly number[]>>;

export interface Rounds {
  readonly count: number;
  /** Run and not counted: caches fill, code is compiled. */
  readonly warmUp: number;
  readonly signal: AbortSignal;
}

/**
 * What a run leaves behind the kernel still takes apart when the run has ended (a network namespace, a cgroup). Without
 * a pause that work would fall into the time of whoever comes next.
 */
const settlePauseMs = 10;

/**
 * Measures the subjects in turn, round by round, so that what else happens on the machine meets all of them. Every
 * other round goes backwards, so that none always follows the same.
 */
export async function interleave<Measure extends string>(
  subjects: readonly Subject<Measure>[],
  { count, warmUp, signal }: Rounds,
): Promise<ReadonlyMap<string, Series<Measure>>> {
  const found = new Map(subjects.map(({ name }) => [name, [] as Sample<Measure>[]]));
  for (let round = 0; round < warmUp + count; round++) {
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      signal.throwIfAborted();
      const sample = await unlessInterrupted(signal, subject.once());
      if (round >= warmUp) found.get(subject.name)?.push(sample);
      await sleep(settlePauseMs);
    }
  }
  return new Map([...found].map(([name, samples]) => [name, seriesOf(samples)]));
}

function seriesOf<Measure extends string>(samples: readonly Sample<Measure>[]): Series<Measure> {
  const measures = Object.keys(samples[0] ?? {}) as Measure[];
  const entries = measures.map((measure) => [measure, samples.map((sample) => sample[measure])]);
  return Object.fromEntries(entries) as Series<Measure>;
}
