import type { WindowSize } from "@orlop/core";
import { caller } from "../caller/caller.ts";

/** Size of the caller's terminal, where its output is one. */
export function windowSize(): WindowSize | undefined {
  const { stdout, stderr } = caller();
  for (const { isTTY, rows = 0, columns = 0 } of [stdout, stderr]) {
    if (isTTY && rows > 0 && columns > 0) return { rows, columns };
  }
  return undefined;
}

/**
 * Calls back with each new size of the caller's terminal until the result is disposed of, and at once with one that is not
 * `known` any more: it may have changed while nobody watched.
 */
export function watchWindowSize(known: WindowSize | undefined, onSize: (size: WindowSize) => void): Disposable {
  const { stdout, stderr } = caller();
  const stream = [stdout, stderr].find(({ isTTY }) => isTTY);
  const listener = (): void => {
    const size = windowSize();
    if (size !== undefined) onSize(size);
  };
  stream?.on("resize", listener);
  const size = windowSize();
  if (size?.rows !== known?.rows || size?.columns !== known?.columns) listener();
  return { [Symbol.dispose]: () => void stream?.off("resize", listener) };
}
