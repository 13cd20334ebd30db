import { OrlopError } from "@orlop/core";
import type { FactDifference } from "./compare-facts.ts";

/**
 * A row of the data file: a difference that is meant to be, and why.
 *
 * `config`, `key`, `theirs` and `ours` may contain `*` for any text; `null` stands for a fact that a runtime does not
 * have. `runtime` is the peer.
 */
export interface ExplainedDifference {
  readonly config: string;
  readonly key: string;
  readonly runtime: string;
  readonly theirs: string | null;
  readonly ours: string | null;
  readonly reason: string;
  /** The peer itself is not always the same: the row is never stale. */
  readonly sometimes?: true;
}

/** A difference and where it was found. */
export interface FoundDifference extends FactDifference {
  readonly config: string;
  readonly runtime: string;
}

/** A comparison that took place, whether it found differences or not. */
export interface Comparison {
  readonly config: string;
  readonly runtime: string;
  readonly differences: readonly FactDifference[];
}

export interface DifferenceReport {
  /** Differences without a row. */
  readonly unexplained: readonly FoundDifference[];
  /** Rows that a comparison could have used and none did. */
  readonly stale: readonly ExplainedDifference[];
}

const rowMembers = ["config", "key", "runtime", "theirs", "ours", "reason", "sometimes"] as const;

function decodeRow(row: unknown, index: number): ExplainedDifference {
  const fail = (what: string): never => {
    throw new OrlopError("invalid", `Cannot read difference ${index + 1}: ${what}`, { operation: "read differences" });
  };
  if (typeof row !== "object" || row === null) return fail("it is no object");
  const unknown = Object.keys(row).find((name) => !rowMembers.some((member) => member === name));
  if (unknown !== undefined) return fail(`it has the unknown member "${unknown}"`);
  const member = (name: string): unknown => Object.entries(row).find(([key]) => key === name)?.[1];
  const text = (name: string): string => {
    const value = member(name);
    return typeof value === "string" && value.trim() !== "" ? value : fail(`"${name}" is no text`);
  };
  const value = (name: string): string | null => {
    const found = member(name);
    return typeof found === "string" || found === null ? found : fail(`"${name}" is neither text nor null`);
  };
  const sometimes = member("sometimes");
  if (sometimes !== undefined && sometimes !== true) return fail('"sometimes" is not true');
  return {
    config: text("config"),
    key: text("key"),
    runtime: text("runtime"),
    theirs: value("theirs"),
    ours: value("ours"),
    reason: text("reason"),
    ...(sometimes === true ? { sometimes } : {}),
  };
}

/** Reads a data file's text: a JSON array of rows. Throws `invalid` for anything else, and for a row without a reason. */
export function decodeExplainedDifferences(text: string): readonly ExplainedDifference[] {
  const rows: unknown = JSON.parse(text);
  if (!Array.isArray(rows)) throw new OrlopError("invalid", "Cannot read differences: the file holds no JSON array");
  return rows.map(decodeRow);
}

/** Compiled once for each pattern: there are thousands of comparisons. */
const patterns = new Map<string, RegExp>();

function matches(pattern: string | null, value: string | undefined): boolean {
  if (pattern === null || value === undefined) return pattern === null && value === undefined;
  if (!pattern.includes("*")) return pattern === value;
  let compiled = patterns.get(pattern);
  if (compiled === undefined) {
    const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
    compiled = new RegExp(`^${parts.join(".*")}$`, "s");
    patterns.set(pattern, compiled);
  }
  return compiled.test(value);
}

/** Holds what was found against the rows. A row is used by every difference that it matches. */
export function reportDifferences(
  rows: readonly ExplainedDifference[],
  comparisons: readonly Comparison[],
): DifferenceReport {
  const used = new Set<ExplainedDifference>();
  const unexplained: FoundDifference[] = [];
  const isAbout = (row: ExplainedDifference, { config, runtime }: Comparison): boolean =>
    matches(row.runtime, runtime) && matches(row.config, config);
  for (const comparison of comparisons) {
    const about = rows.filter((row) => isAbout(row, comparison));
    for (const difference of comparison.differences) {
      const { key, theirs, ours } = difference;
      const found = about.filter(
        (row) => matches(row.key, key) && matches(row.theirs, theirs) && matches(row.ours, ours),
      );
      for (const row of found) used.add(row);
      const { config, runtime } = comparison;
      if (found.length === 0) unexplained.push({ config, runtime, ...difference });
    }
  }
  const usable = rows.filter((row) => comparisons.some((comparison) => isAbout(row, comparison)));
  return { unexplained, stale: usable.filter((row) => !used.has(row) && row.sometimes !== true) };
}
