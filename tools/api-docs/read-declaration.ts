import type { Declaration, Member } from "./declaration.ts";

const EXPORT = /^export (?:declare )?(?:abstract )?(?:async )?(class|interface|type|function|const) (\w+)/;

/**
 * The declaration of a name in a source that the formatter has been over and that declares the types of what it exports: each
 * begins at the edge, each member two blanks from it, and what ends them is where it begins. Undefined where it is not there.
 */
export function readDeclaration(source: string, name: string): Declaration | undefined {
  const lines = source.split("\n");
  const at = lines.findIndex((line) => EXPORT.exec(line)?.[2] === name);
  const kind = EXPORT.exec(lines[at] ?? "")?.[1] as Declaration["kind"] | undefined;
  if (kind === undefined) return undefined;
  const docs = docsBefore(lines, at);
  if (kind === "class" || kind === "interface") {
    const open = lines.findIndex((line, index) => index >= at && /\{\}?$/.test(line));
    const end = lines.findIndex((line, index) => index >= at && line === "}");
    const signature = joined(lines.slice(at, open + 1)).replace(/ \{\}?$/, "");
    return {
      kind,
      name,
      signature,
      docs,
      members: lines[open]?.endsWith("{}") ? [] : readMembers(lines.slice(open + 1, end)),
    };
  }
  const signature = kind === "type" ? statement(lines, at) : callable(lines, at, "");
  return { kind, name, signature, docs, members: [] };
}

function readMembers(lines: readonly string[]): readonly Member[] {
  const members: Member[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const name = /^ {2}(?:(?:static|async|readonly|override|get|set) )*(\*?\[[\w.]+\]|\$|[A-Za-z_]\w*)/.exec(line)?.[1];
    if (/^ {2}(?:\w+ )*#/.test(line)) continue;
    if (name === undefined || name === "private" || name === "constructor") continue;
    const docs = docsBefore(lines, at);
    const signature = callable(lines, at, "  ");
    if (!/@internal\b/.test(docs)) members.push({ name, signature, docs });
  }
  return members;
}

/** Up to its body, its value or its end. */
function callable(lines: readonly string[], at: number, indent: string): string {
  const taken: string[] = [];
  for (const line of lines.slice(at)) {
    taken.push(line.slice(indent.length));
    const isOver = line.startsWith(`${indent} `) ? false : / \{(\})?$|;$/.test(line);
    if (isOver) break;
  }
  const text = joined(taken);
  return text
    .replace(/^export (?:async )?/, "")
    .replace(/^async (?=\*?[\w[$])|(?<=^static )async /, "")
    .replace(/ (?:\{\}?|=(?!>) .*;)$/, "")
    .replace(/;$/, "");
}

/** Up to the semicolon that ends it. */
function statement(lines: readonly string[], at: number): string {
  const taken: string[] = [];
  for (const [index, line] of lines.slice(at).entries()) {
    taken.push(line);
    const next = lines[at + index + 1] ?? "";
    if (line.endsWith(";") && !next.startsWith(" ")) break;
  }
  return taken
    .join("\n")
    .replace(/^export /, "")
    .replace(/;$/, "");
}

/** Signatures that the formatter has broken, as one line where that is short. */
function joined(lines: readonly string[]): string {
  if (lines.length === 1) return lines[0] ?? "";
  const one = lines
    .map((line) => line.trim())
    .join(" ")
    .replace(/([([<]) /g, "$1")
    .replace(/,? ([)\]>])/g, "$1");
  return one.length <= 120 ? one : lines.join("\n");
}

/** The docstring that ends right before the line, without its marks. */
function docsBefore(lines: readonly string[], at: number): string {
  if (!/\*\/$/.test(lines[at - 1] ?? "")) return "";
  let first = at - 1;
  while (first > 0 && !/^\s*\/\*\*/.test(lines[first] ?? "")) first--;
  return lines
    .slice(first, at)
    .map((line) => line.replace(/^\s*(?:\/\*\*|\*\/|\* ?)/, "").replace(/\s*\*\/$/, ""))
    .map((line) => line.replace(/^ (?=\S)/, ""))
    .join("\n")
    .trim();
}
