import assert from "node:assert/strict";
import type { ProgressClock, ProgressTerminal } from "./terminal-progress.ts";

interface Row {
  text: string;
  /** The line goes on in the row below. */
  wraps: boolean;
}

/** A terminal of which one can ask what a person sees: it does what programs tell it, as far as it knows the commands. */
export class Screen implements ProgressTerminal {
  columns: number;
  rows: number;
  writableNeedDrain = false;
  /** How often something was written. */
  writes = 0;
  #buffer: Row[] = [{ text: "", wraps: false }];
  #row = 0;
  #column = 0;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  /** What is to be seen in the window, without the spaces at the ends. */
  get seen(): readonly string[] {
    const rows = this.#buffer.slice(this.#top).map(({ text }) => text.trimEnd());
    while (rows.at(-1) === "") rows.pop();
    return rows;
  }

  /** What is to be seen, and what has scrolled out of the window. */
  get all(): readonly string[] {
    return this.#buffer.map(({ text }) => text.trimEnd());
  }

  get cursor(): { readonly row: number; readonly column: number } {
    return { row: this.#row - this.#top, column: this.#column };
  }

  get #top(): number {
    return Math.max(0, this.#buffer.length - this.rows);
  }

  write(text: string): void {
    this.writes += 1;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about.
    for (const [piece, count, command] of text.matchAll(/\x1b\[(\d*)([A-Za-z])|./gsu)) {
      if (command !== undefined) this.#command(command, Number(count || 0));
      else if (piece === "\n") this.#lineFeed();
      else if (piece === "\r") this.#column = 0;
      else this.#print(piece);
    }
  }

  /** The window changes its size: lines that do not fit any more are broken, as most terminals do. */
  resize(columns: number, rows: number): void {
    const lines: string[] = [];
    let begin = "";
    for (const { text, wraps } of this.#buffer) {
      begin += wraps ? text.padEnd(this.columns) : text;
      if (wraps) continue;
      lines.push(begin);
      begin = "";
    }
    assert.equal(this.#row, this.#buffer.length - 1, "the cursor is not on the last line");
    this.#buffer = lines.flatMap((line) => broken(line, columns));
    this.#row = this.#buffer.length - 1;
    this.columns = columns;
    this.rows = rows;
  }

  #command(command: string, count: number): void {
    const row = this.#current();
    if (command === "A") this.#row = Math.max(this.#top, this.#row - Math.max(1, count));
    else if ((command === "K" || command === "J") && count === 0) {
      row.text = row.text.slice(0, this.#column);
      row.wraps = false;
      if (command === "J") this.#buffer.length = this.#row + 1;
    } else assert.fail(`nothing is known about the command ${command}`);
  }

  #print(character: string): void {
    assert.ok(character >= " ", `nothing is known about character ${character.codePointAt(0)}`);
    if (this.#column === this.columns) {
      this.#current().wraps = true;
      this.#lineFeed();
    }
    const row = this.#current();
    row.text = row.text.padEnd(this.#column).slice(0, this.#column) + character + row.text.slice(this.#column + 1);
    this.#column += 1;
  }

  #lineFeed(): void {
    this.#row += 1;
    this.#column = 0;
    if (this.#row === this.#buffer.length) this.#buffer.push({ text: "", wraps: false });
  }

  #current(): Row {
    const row = this.#buffer[this.#row];
    assert.ok(row !== undefined);
    return row;
  }
}

function broken(line: string, columns: number): readonly Row[] {
  const rows: Row[] = [];
  for (let start = 0; start === 0 || start < line.length; start += columns) {
    rows.push({ text: line.slice(start, start + columns), wraps: start + columns < line.length });
  }
  return rows;
}

/** A clock that goes on when it is told to. */
export class ManualClock implements ProgressClock {
  #nowMs = 0;
  #ticking: { readonly intervalMs: number; readonly action: () => void } | undefined;

  nowMs(): number {
    return this.#nowMs;
  }

  every(intervalMs: number, action: () => void): Disposable {
    this.#ticking = { intervalMs, action };
    return { [Symbol.dispose]: () => (this.#ticking = undefined) };
  }

  get isTicking(): boolean {
    return this.#ticking !== undefined;
  }

  /** Lets so many intervals pass. */
  tick(times = 1): void {
    for (let time = 0; time < times; time++) {
      this.#nowMs += this.#ticking?.intervalMs ?? 0;
      this.#ticking?.action();
    }
  }
}
