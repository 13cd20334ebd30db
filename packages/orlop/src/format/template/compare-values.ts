import { TemplateFault } from "./template-fault.ts";
import type { FunctionTable } from "./template-function.ts";
import { compareText, isTrue, type Value } from "./value.ts";

/** Go's `eq ne lt le gt ge not`. */
export const COMPARISONS: FunctionTable = new Map([
  ["eq", { least: 1, call: (first, ...others) => equalsOneOf(first ?? null, others) }],
  ["ne", { least: 2, most: 2, call: (a, b) => !isEqual(a ?? null, b ?? null) }],
  ["lt", { least: 2, most: 2, call: (a, b) => order(a, b) < 0 }],
  ["le", { least: 2, most: 2, call: (a, b) => order(a, b) <= 0 }],
  ["gt", { least: 2, most: 2, call: (a, b) => order(a, b) > 0 }],
  ["ge", { least: 2, most: 2, call: (a, b) => order(a, b) >= 0 }],
  ["not", { least: 1, most: 1, call: (value) => !isTrue(value ?? null) }],
]);

function equalsOneOf(first: Value, others: readonly Value[]): boolean {
  if (others.length === 0) throw new TemplateFault("missing argument for comparison");
  // Each is looked at, so that what cannot be compared is told wherever it stands.
  return others.map((other) => isEqual(first, other)).some(Boolean);
}

function isEqual(a: Value, b: Value): boolean {
  if (a === null || b === null) return a === b;
  const kind = kindOf(a);
  if (kind === undefined || kindOf(b) === undefined) throw new TemplateFault("non-comparable types");
  if (kind !== kindOf(b)) throw incompatible();
  // biome-ignore lint/suspicious/noDoubleEquals: an integer may be a number or, when it is large, a bigint.
  return kind === "number" ? a == b : a === b;
}

function order(a: Value | undefined, b: Value | undefined): number {
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : Number(a > b);
  throw kindOf(a ?? null) === kindOf(b ?? null) ? new TemplateFault("invalid type for comparison") : incompatible();
}

function isNumber(value: Value | undefined): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

function kindOf(value: Value): "string" | "boolean" | "number" | undefined {
  if (isNumber(value)) return "number";
  return typeof value === "string" ? "string" : typeof value === "boolean" ? "boolean" : undefined;
}

function incompatible(): TemplateFault {
  return new TemplateFault("incompatible types for comparison");
}
