import type { WindowSize } from "@orlop/core";

/** Size of the caller's terminal, where its output is one. */
export function windowSize(): WindowSize | undefined {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.isTTY && stream.rows > 0 && stream.columns > 0) return { rows: stream.rows, columns: stream.columns };
  }
  return undefined;
}

/**
 * Calls back with each new size of the caller's terminal until the result is disposed of, and at once with one that is not
 * `known` any more: it may have changed while nobody watched.
 */
export function watchWindowSize(known: WindowSize | undefined, onSize: (size: WindowSize) => void): Disposable {
  const stream = [process.stdout, process.stderr].find(({ isTTY }) => isTTY);
  const listener = (): void => {
    const size = windowSize();
    if (size !== undefined) onSize(size);
  };
  stream?.on("resize", listener);
  const size = windowSize();
  if (size?.rows !== known?.rows || size?.columns !== known?.columns) listener();
  return { [Symbol.dispose]: () => void stream?.off("resize", listener) };
}
