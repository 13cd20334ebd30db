/** As docker's tables have it. */
const WIDTH_MIN = 10;
const GAP = 3;

/** What makes a character longer than one unit of a string. */
const SURROGATE = /[\ud800-\udfff]/;

/**
 * Aligns what tabs divide, as Go's text/tabwriter does for docker: a column is what consecutive lines have before the same
 * tab, and as wide as the widest of it. What stands behind a line's last tab belongs to no column.
 */
export function alignColumns(text: string, widthMin: number = WIDTH_MIN): string {
  const length = SURROGATE.test(text) ? lengthInCharacters : lengthInUnits;
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths = lines.map(() => [] as number[]);
  const columns = lines.reduce((most, cells) => Math.max(most, cells.length - 1), 0);
  for (let column = 0; column < columns; column++) {
    for (const [first, end] of blocks(lines, column)) {
      let width = widthMin;
      for (let line = first; line < end; line++) width = Math.max(width, length(lines[line]?.[column] ?? "") + GAP);
      for (let line = first; line < end; line++) widths[line]?.push(width);
    }
  }
  return lines.map((cells, line) => padded(cells, widths[line] ?? [], length)).join("\n");
}

/** Runs of lines that have a tab behind the column. */
function* blocks(lines: readonly (readonly string[])[], column: number): Generator<readonly [number, number]> {
  let first = 0;
  for (let line = 0; line <= lines.length; line++) {
    if ((lines[line]?.length ?? 0) > column + 1) continue;
    if (line > first) yield [first, line];
    first = line + 1;
  }
}

function lengthInUnits(text: string): number {
  return text.length;
}

function lengthInCharacters(text: string): number {
  return SURROGATE.test(text) ? [...text].length : text.length;
}

function padded(cells: readonly string[], widths: readonly number[], length: (text: string) => number): string {
  return cells.map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - length(cell)))).join("");
}
