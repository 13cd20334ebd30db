import { parseJson, stringifyJson } from "./json-text.ts";

/**
 * The document with the members at these JSON pointers (RFC 6901, without escapes) set to new values; `undefined`
 * removes one, `-` appends to a list.
 */
export function jsonWith(document: string, changes: Readonly<Record<string, unknown>>): string {
  const root = parseJson(document) as Record<string, unknown>;
  for (const [pointer, value] of Object.entries(changes)) {
    const keys = pointer.split("/").slice(1);
    const last = keys.pop() ?? "";
    const parent = keys.reduce((at, key) => at[key] as Record<string, unknown>, root);
    if (Array.isArray(parent) && last === "-") parent.push(structuredClone(value));
    else if (value === undefined) delete parent[last];
    else parent[last] = structuredClone(value);
  }
  return stringifyJson(root);
}
