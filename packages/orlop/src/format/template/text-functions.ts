import { sprintf } from "./printf.ts";
import { TemplateFault } from "./template-fault.ts";
import { type FunctionTable, integerArgument, textArgument, wrongType } from "./template-function.ts";
import { compareText, Dictionary, isList, type Value } from "./value.ts";
import { valueJson } from "./value-json.ts";
import { sprint, valueText } from "./value-text.ts";

const PADDING_MAX = 10_000;

/** Go's functions for printing, and those that docker adds. */
export const TEXT_FUNCTIONS: FunctionTable = new Map([
  ["print", { least: 0, call: (...values) => sprint(values) }],
  ["println", { least: 0, call: (...values) => `${values.map(valueText).join(" ")}\n` }],
  ["printf", { least: 1, call: (format, ...values) => sprintf(textArgument(format), values) }],
  ["json", { least: 1, most: 1, call: (value) => valueJson(value ?? null) }],
  ["split", { least: 2, most: 2, call: (text, separator) => split(textArgument(text), textArgument(separator)) }],
  ["join", { least: 2, most: 2, call: (list, separator) => join(list ?? null, textArgument(separator)) }],
  ["title", { least: 1, most: 1, call: (text) => title(textArgument(text)) }],
  ["lower", { least: 1, most: 1, call: (text) => textArgument(text).toLowerCase() }],
  ["upper", { least: 1, most: 1, call: (text) => textArgument(text).toUpperCase() }],
  ["pad", { least: 3, most: 3, call: (text, before, after) => pad(textArgument(text), [before, after]) }],
  ["truncate", { least: 2, most: 2, call: (text, length) => truncate(textArgument(text), integerArgument(length)) }],
]);

/** Over the heading of a table what changes values stays without effect; `pad` keeps it above its column. */
export const HEADING_FUNCTIONS: FunctionTable = new Map([
  ...TEXT_FUNCTIONS,
  ...["json", "title", "lower", "upper"].map(
    (name) => [name, { least: 1, most: 1, call: (text: Value = "") => text }] as const,
  ),
  ...["split", "join", "truncate"].map(
    (name) => [name, { least: 2, most: 2, call: (text: Value = "") => text }] as const,
  ),
]);

function split(text: string, separator: string): readonly string[] {
  return separator === "" ? [...text] : text.split(separator);
}

function join(value: Value, separator: string): string {
  if (value === null) return "";
  if (isList(value)) return value.map(valueText).join(separator);
  if (value instanceof Dictionary) return [...value.entries.values()].map(valueText).sort(compareText).join(separator);
  throw wrongType("slice", value);
}

/** The first letter of each word in upper case; what stands between words is neither letter, digit nor `_`. */
function title(text: string): string {
  return text.replaceAll(/(?<![\p{L}\p{N}_])\p{L}/gu, (letter) => letter.toUpperCase());
}

function pad(text: string, widths: readonly (Value | undefined)[]): string {
  const [before = 0, after = 0] = widths.map((width) => {
    const count = integerArgument(width);
    if (count >= 0 && count <= PADDING_MAX) return count;
    throw new TemplateFault(`a text is padded with 0 to ${PADDING_MAX} spaces, not ${count}`);
  });
  return text === "" ? text : " ".repeat(before) + text + " ".repeat(after);
}

function truncate(text: string, length: number): string {
  if (length < 0) throw new TemplateFault(`a text cannot be truncated to ${length} bytes`);
  const bytes = Buffer.from(text);
  return bytes.length <= length ? text : bytes.subarray(0, length).toString();
}
