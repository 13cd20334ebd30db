/** How far work may be ahead of the one who takes its results. */
interface AheadLimits {
  readonly countMax: number;
  /** Of the weights of what has been started and not been taken; one alone may be heavier. */
  readonly weightMax: number;
}

/** One item of work: what it weighs, and how it begins. */
interface AheadWork<T> {
  readonly weight: number;
  start(): Promise<T>;
}

/**
 * The results of work in order, while what comes next is already at work. Once an item fails, or the taker ends, nothing
 * more is started; `release` gets every result that nobody took.
 */
export async function* orderedAhead<T>(
  works: Iterable<AheadWork<T>> | AsyncIterable<AheadWork<T>>,
  { countMax, weightMax }: AheadLimits,
  release: (result: T) => void = () => {},
): AsyncGenerator<T> {
  const started: { readonly weight: number; readonly result: Promise<T> }[] = [];
  let weight = 0;
  const begin = (work: AheadWork<T>): void => {
    const result = work.start();
    // Looked at when it is its turn.
    result.catch(() => {});
    started.push({ weight: work.weight, result });
    weight += work.weight;
  };
  const take = async (): Promise<T> => {
    const first = started[0];
    if (first === undefined) throw new RangeError("there is nothing to take");
    const result = await first.result;
    started.shift();
    weight -= first.weight;
    return result;
  };
  try {
    for await (const work of works) {
      while (started.length > 0 && (started.length >= countMax || weight + work.weight > weightMax)) yield await take();
      begin(work);
    }
    while (started.length > 0) yield await take();
  } finally {
    for (const { result } of started) result.then(release, () => {});
  }
}
