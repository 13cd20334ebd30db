import type { LogEntry, LogOptions } from "@orlop/core";
import type { Container, Engine } from "@orlop/engine";

/**
 * Hands out what several containers have written: what is there in the order in which it was written, and what comes as it
 * comes.
 */
export async function printLogs(
  engine: Engine,
  containers: readonly Container[],
  options: LogOptions,
  print: (container: Container, entry: LogEntry) => Promise<void>,
): Promise<void> {
  if (options.follow === true) {
    const each = containers.map(async (container) => {
      for await (const entry of engine.logs(container, options)) await print(container, entry);
    });
    await Promise.all(each);
    return;
  }
  const lines = inOrder(containers, (container) => engine.logs(container, options));
  for await (const { container, entry } of lines) await print(container, entry);
}

interface Line {
  readonly container: Container;
  readonly entry: LogEntry;
}

/** What several containers have written, in the order of its times. */
async function* inOrder(
  containers: readonly Container[],
  open: (container: Container) => AsyncIterable<LogEntry>,
): AsyncGenerator<Line> {
  const sources = containers.map((container) => ({ container, lines: open(container)[Symbol.asyncIterator]() }));
  const heads = await Promise.all(sources.map(async ({ lines }) => await lines.next()));
  for (;;) {
    let first: number | undefined;
    for (const [index, head] of heads.entries()) {
      const best = first === undefined ? undefined : heads[first];
      if (head.done !== true && (best?.done !== false || head.value.timeNs < best.value.timeNs)) first = index;
    }
    const [source, head] = first === undefined ? [] : [sources[first], heads[first]];
    if (source === undefined || head === undefined || head.done === true || first === undefined) return;
    yield { container: source.container, entry: head.value };
    heads[first] = await source.lines.next();
  }
}
