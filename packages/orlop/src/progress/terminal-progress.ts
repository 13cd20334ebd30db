import type { TransferEvent } from "@orlop/image";
import { humanSize } from "../format/human-size.ts";
import { type Movement, partLine } from "./part-text.ts";
import { clipped, columnsOf, printable } from "./screen-text.ts";
import { type PartView, TransferView } from "./transfer-view.ts";

/** Ten times a second: more than that nobody sees. */
const REDRAW_MS = 100;

/** The terminal that progress is shown on: standard error. */
export interface ProgressTerminal {
  readonly columns: number;
  readonly rows: number;
  /** What was written before is still on its way: a terminal that is slower than the transfer. */
  readonly writableNeedDrain: boolean;
  write(text: string): unknown;
}

export interface ProgressClock {
  nowMs(): number;
  /** Calls back again and again, and does not keep the process alive. */
  every(intervalMs: number, action: () => void): Disposable;
}

/**
 * Shows a transfer on a terminal: a line for each part, redrawn in place. Between two redraws the cursor stands below them
 * and nothing of the terminal is changed, so that whatever ends the process leaves it as it should be.
 */
export class TerminalProgress implements Disposable {
  readonly #terminal: ProgressTerminal;
  readonly #clock: ProgressClock;
  readonly #movement: Movement;
  readonly #view = new TransferView();
  readonly #ticking: Disposable;
  /** As they stand on the terminal. */
  #shown: readonly string[] = [];

  constructor(terminal: ProgressTerminal, clock: ProgressClock, movement: Movement) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#movement = movement;
    this.#ticking = clock.every(REDRAW_MS, () => this.#tick());
  }

  /** Takes note, and draws nothing: a transfer has thousands of events in a second. */
  onEvent(event: TransferEvent): void {
    this.#view.apply(event);
  }

  /** Leaves a last picture of all parts, however many there are. */
  [Symbol.dispose](): void {
    this.#ticking[Symbol.dispose]();
    this.#draw(this.#lines(Number.POSITIVE_INFINITY));
  }

  #tick(): void {
    this.#view.sample(this.#clock.nowMs());
    if (this.#terminal.writableNeedDrain) return;
    // The last row is the cursor's.
    this.#draw(this.#lines(Math.max(1, this.#terminal.rows - 1)));
  }

  #draw(lines: readonly string[]): void {
    if (lines.length === this.#shown.length && lines.every((line, index) => line === this.#shown[index])) return;
    const up = this.#shown.reduce((rows, line) => rows + this.#rowsOf(line), 0);
    const begin = up === 0 ? "" : `\x1b[${up}A\r`;
    this.#terminal.write(`${begin}${lines.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`);
    this.#shown = lines;
  }

  /** A terminal that has become narrower has broken the lines that did not fit any more. */
  #rowsOf(line: string): number {
    return Math.max(1, Math.ceil(columnsOf(line) / this.#terminal.columns));
  }

  #lines(most: number): readonly string[] {
    const { title } = this.#view;
    const parts = this.#view.parts();
    if (title === "" && parts.length === 0) return [];
    // In the last column the cursor would stay on the line, or not.
    const columns = Math.max(1, this.#terminal.columns - 1);
    const head = clipped(`${printable(title)}${totals(parts)}`, columns);
    const line = (part: PartView): string => partLine(part, columns, this.#movement);
    if (parts.length + 1 <= most) return [head, ...parts.map(line)];
    if (most <= 2) return [head];
    const kept = mostTelling(parts, most - 2);
    const rest = clipped(`  and ${parts.length - kept.length} more`, columns);
    return [head, ...kept.map(line), rest];
  }
}

/** Those that something happens to first, and of the others those that are to come; in their order. */
function mostTelling(parts: readonly PartView[], count: number): readonly PartView[] {
  const interest = ({ state }: PartView): number => {
    if (state === "done" || state === "exists") return 2;
    return state === "waiting" ? 1 : 0;
  };
  const chosen = new Set(parts.toSorted((a, b) => interest(a) - interest(b)).slice(0, count));
  return parts.filter((part) => chosen.has(part));
}

/** `: 2 of 5 done, 12MB of 45MB, 5MB/s` */
function totals(parts: readonly PartView[]): string {
  const isDone = ({ state }: PartView): boolean => state === "done" || state === "exists";
  const moved = parts.filter(({ state }) => state !== "exists");
  if (parts.every(isDone)) return "";
  const done = parts.filter(isDone).length;
  const bytes = moved.reduce((sum, part) => sum + (part.state === "waiting" ? 0 : part.bytes), 0);
  const size = moved.reduce((sum, part) => sum + part.size, 0);
  const rates = parts.flatMap(({ bytesPerSecond }) => bytesPerSecond ?? []);
  const rate =
    rates.length === 0
      ? ""
      : `, ${humanSize(
          rates.reduce((sum, each) => sum + each, 0),
          3,
        )}/s`;
  return `: ${done} of ${parts.length} done, ${humanSize(bytes, 3)} of ${humanSize(size, 3)}${rate}`;
}
