import { type BenchRow, isGoalMet, ratioOf } from "./bench-row.ts";

/** Three digits that count, and no more than the measurement has. */
function formatFigure(value: number): string {
  if (Number.isInteger(value)) return String(value);
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return value.toFixed(digits);
}

function formatGoal(row: BenchRow): string {
  if (row.goal === undefined) return "";
  const met = isGoalMet(row);
  const verdict = met === undefined ? "not measured" : met ? "met" : "missed";
  const max = row.goal.of === "ratio" ? `${row.goal.max} x` : `${row.goal.max} ${row.unit}`;
  return `at most ${max}: ${verdict}`;
}

/** The cells of a row as texts: name, ours, peer, ratio, goal, note. */
export function rowCells(row: BenchRow): readonly string[] {
  const { name, unit, ours, peer, peerName } = row;
  const ratio = ratioOf(row);
  const peerFigure = peer === undefined ? (peerName ?? "") : `${formatFigure(peer)} ${peerName ?? ""}`;
  return [
    name,
    ours === undefined ? "" : `${formatFigure(ours)} ${unit}`,
    peerFigure,
    ratio === undefined ? "" : `${formatFigure(ratio)} x`,
    formatGoal(row),
    row.note ?? "",
  ];
}

/** A line for each row, in columns. */
export function tableText(rows: readonly BenchRow[]): string {
  const table = [["", "ours", "peer", "ratio", "goal", ""], ...rows.map(rowCells)];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((cells) => cells[column]?.length ?? 0)));
  return table
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** An array with a row on each line. What was not measured is null. */
export function jsonText(rows: readonly BenchRow[]): string {
  const lines = rows.map((row) =>
    JSON.stringify({
      name: row.name,
      unit: row.unit,
      ours: row.ours ?? null,
      peer: row.peer ?? null,
      peerName: row.peerName ?? null,
      ratio: ratioOf(row) ?? null,
      goal: row.goal ?? null,
      met: isGoalMet(row) ?? null,
      what: row.what,
      note: row.note ?? null,
    }),
  );
  return `[\n${lines.join(",\n")}\n]`;
}
