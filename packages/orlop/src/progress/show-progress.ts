import type { TransferEvent } from "@orlop/image";
import { caller } from "../caller/caller.ts";
import { ignoreErrorEvents } from "../print.ts";
import { LineProgress } from "./line-progress.ts";
import type { Movement } from "./part-text.ts";
import { type ProgressClock, type ProgressTerminal, TerminalProgress } from "./terminal-progress.ts";

const COLUMNS = 80;
const ROWS = 24;

/** Shows the events of a transfer until it is disposed of, which is due before anything else is printed. */
export interface Progress extends Disposable {
  onEvent(event: TransferEvent): void;
}

interface ProgressOptions {
  readonly quiet: boolean;
  readonly movement: Movement;
}

/**
 * Shows a transfer on standard error: in place on a terminal, in lines elsewhere and on a terminal that can do no more
 * (`TERM=dumb`), and not at all when `quiet`.
 */
export function showProgress({ quiet, movement }: ProgressOptions): Progress {
  if (quiet) return { onEvent: () => {}, [Symbol.dispose]: () => {} };
  const { stderr } = caller();
  // A transfer does not end because nobody watches it any more.
  ignoreErrorEvents(stderr);
  if (stderr.isTTY !== true || caller().env.TERM === "dumb") {
    return new LineProgress((text) => stderr.write(text), movement);
  }
  return new TerminalProgress(standardError(), CLOCK, movement);
}

/** Its size is asked for anew each time: a window that is resized needs no more. */
function standardError(): ProgressTerminal {
  const { stderr } = caller();
  return {
    // A terminal that was never told its size has none.
    get columns() {
      return stderr.columns || COLUMNS;
    },
    get rows() {
      return stderr.rows || ROWS;
    },
    get writableNeedDrain() {
      return stderr.writableNeedDrain;
    },
    write: (text) => stderr.write(text),
  };
}

const CLOCK: ProgressClock = {
  nowMs: () => performance.now(),
  every(intervalMs, action) {
    const timer = setInterval(action, intervalMs).unref();
    return { [Symbol.dispose]: () => clearInterval(timer) };
  },
};
