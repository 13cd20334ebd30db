import { Dictionary, isList, type Value } from "./value.ts";

/** A value as Go's `%v` prints it. */
export function valueText(value: Value): string {
  if (value === null) return "<nil>";
  if (typeof value === "string") return value;
  if (typeof value === "number") return numberText(value);
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (isList(value)) return `[${value.map(valueText).join(" ")}]`;
  if (value instanceof Dictionary) {
    return `map[${[...value.entries].map(([key, member]) => `${key}:${valueText(member)}`).join(" ")}]`;
  }
  return `{${value.fields.map((field) => valueText(field.value)).join(" ")}}`;
}

/** A value as a template prints it: nothing at all is told apart from an empty text. */
export function printedText(value: Value): string {
  return value === null ? "<no value>" : valueText(value);
}

/** Several values as Go's `Sprint` prints them: with a space between two of which neither is a text. */
export function sprint(values: readonly Value[]): string {
  let text = "";
  for (const [index, value] of values.entries()) {
    const before = values[index - 1];
    if (before !== undefined && typeof before !== "string" && typeof value !== "string") text += " ";
    text += valueText(value);
  }
  return text;
}

function numberText(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? String(BigInt(value)) : floatText(value);
}

/** Go's `%g`: as few digits as tell the number, with an exponent from a million on. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-4 || size >= 1e6) ? paddedExponent(value.toExponential()) : String(value);
}

/** `1e-7` becomes `1e-07`. */
export function paddedExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}
