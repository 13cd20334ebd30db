import { Dictionary, isList, isTrue, NIL_LIST, Struct, type Value } from "./value.ts";

/** A value as JSON, as Go's encoder writes it, with its escapes for HTML in rows alone; with an indent on several lines. */
export function valueJson(value: Value, indent = ""): string {
  return write(value, { indent, line: indent === "" ? "" : "\n" });
}

interface Layout {
  readonly indent: string;
  /** What begins a line at the depth that has been reached; empty: all stands on one line. */
  readonly line: string;
}

function write(value: Value, layout: Layout): string {
  if (typeof value === "string") return stringJson(value);
  if (value === null || value === NIL_LIST) return "null";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "null";
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  const inner = { ...layout, line: layout.line === "" ? "" : layout.line + layout.indent };
  if (isList(value)) {
    return enclosed(
      "[]",
      value.map((each) => write(each, inner)),
      layout,
    );
  }
  if (value instanceof Dictionary && value.isNil) return "null";
  const colon = layout.line === "" ? ":" : ": ";
  const members = jsonMembers(value).map(([key, member]) => `${stringJson(key)}${colon}${write(member, inner)}`);
  const text = enclosed("{}", members, layout);
  return value instanceof Struct && value.isEscaped ? text.replaceAll(/[<>&]/g, escapeUnit) : text;
}

function jsonMembers(value: Dictionary | Struct): readonly (readonly [string, Value])[] {
  if (value instanceof Dictionary) return [...value.entries];
  return value.fields
    .filter((field) => field.omitEmpty !== true || isTrue(field.value))
    .map(({ name, jsonName, value: member }) => [jsonName ?? name, member]);
}

function enclosed(brackets: string, parts: readonly string[], { indent, line }: Layout): string {
  const [open = "", close = ""] = brackets;
  if (parts.length === 0) return brackets;
  const begin = line === "" ? "" : line + indent;
  return `${open}${begin}${parts.join(`,${begin}`)}${line}${close}`;
}

function stringJson(text: string): string {
  return JSON.stringify(text).replaceAll(/[\u2028\u2029]/g, escapeUnit);
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
