import type { TestFailure, TestOutcome, TestSkip } from "./test-outcome.ts";

/** `112 tests, 3 failed, 4 skipped`: the note behind a step. */
export function outcomeNote({ counts }: TestOutcome): string {
  const bad = counts.failed + counts.cancelled;
  const parts = [`${counts.tests} tests`];
  if (bad > 0) parts.push(`${bad} failed`);
  if (counts.skipped > 0) parts.push(`${counts.skipped} skipped`);
  return parts.join(", ");
}

function failureText({ place, title, error, printed }: TestFailure): string {
  const output = printed === undefined || printed === "" ? "" : `\nprinted:\n${printed.replaceAll(/^/gm, "  | ")}`;
  return `${place}: ${title}\n${error.replaceAll(/^/gm, "  ")}${output}`;
}

/** Every failure with its error. */
export function failuresText({ failures }: TestOutcome): string {
  return failures.map(failureText).join("\n\n");
}

/** A line per failure: what is told last is what a reader of a long log sees. */
export function failedTitles({ failures }: TestOutcome): string {
  return failures.map(({ place, title }) => `${place}: ${title}`).join("\n");
}

/** A line per reason, the most frequent first, with the files that gave it. */
export function skipsText({ skips }: TestOutcome): string {
  const byReason = Map.groupBy(skips, ({ reason }) => reason);
  const rows = [...byReason].sort(([, a], [, b]) => b.length - a.length);
  return rows
    .map(([reason, group]) => `${String(group.length).padStart(5)}  ${reason}  (${filesOf(group)})`)
    .join("\n");
}

function filesOf(skips: readonly TestSkip[]): string {
  const files = [...new Set(skips.map(({ file }) => file))];
  const shown = files.slice(0, 3).join(", ");
  return files.length > 3 ? `${shown} and ${files.length - 3} more` : shown;
}

/** Shown of the slowest. */
const SLOWEST_COUNT = 12;

/** A line for each of the files that took longest, by themselves. */
export function slowestText({ times }: TestOutcome): string {
  const alone = times.filter(({ files }) => files.length === 1);
  const slowest = alone.toSorted((a, b) => b.durationMs - a.durationMs).slice(0, SLOWEST_COUNT);
  return slowest
    .map(({ files, durationMs }) => `${(durationMs / 1000).toFixed(1).padStart(7)} s  ${files.join(" ")}`)
    .join("\n");
}

/** The closing lines of node's own test runner, so that whatever reads those can read ours. */
export function closingLines({ counts }: TestOutcome, durationMs: number): string {
  return [
    `# tests ${counts.tests}`,
    `# suites ${counts.suites}`,
    `# pass ${counts.passed}`,
    `# fail ${counts.failed}`,
    `# cancelled ${counts.cancelled}`,
    `# skipped ${counts.skipped}`,
    `# todo ${counts.todo}`,
    `# duration_ms ${Math.round(durationMs)}`,
  ].join("\n");
}
