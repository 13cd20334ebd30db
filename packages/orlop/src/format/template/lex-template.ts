import { TemplateFault } from "./template-fault.ts";

type TokenKind =
  /** What stands between actions, without what markers cut off. */
  | "text"
  /** `{{` and `}}` */
  | "open"
  | "close"
  /** `.Name` */
  | "field"
  | "dot"
  /** `$` and `$name` */
  | "variable"
  /** Functions and keywords. */
  | "word"
  | "string"
  | "number"
  /** `( ) | , = :=` */
  | "sign";

export interface Token {
  readonly kind: TokenKind;
  /** A string's is what it means, everything else's is as it stands there. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** White space stands before it. */
  readonly isApart: boolean;
}

const NAME = String.raw`[\p{L}_][\p{L}\p{Nd}_]*`;
const PATTERNS: readonly (readonly [TokenKind, RegExp])[] = [
  [
    "number",
    /[+-]?(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)/uy,
  ],
  ["string", /"(?:[^"\\\n]|\\.)*"|`[^`]*`/uy],
  ["field", new RegExp(String.raw`\.${NAME}`, "uy")],
  ["dot", /\./uy],
  ["variable", new RegExp(String.raw`\$(?:${NAME})?`, "uy")],
  ["word", new RegExp(NAME, "uy")],
  ["sign", /:=|[()|,=]/uy],
];
/** What names and numbers end with. */
const ENDS = /[\s.,|:()=}]|$/y;
const SPACE = /[ \t\r\n]*/y;

/**
 * Splits a template into its tokens.
 *
 * @throws TemplateFault
 */
export function lexTemplate(template: string): readonly Token[] {
  const tokens: Token[] = [];
  let place = 0;
  let trims = false;
  while (place < template.length) {
    const open = template.indexOf("{{", place);
    const end = open < 0 ? template.length : open;
    const trimsBefore = open >= 0 && /^\{\{-[ \t\r\n]/.test(template.slice(open, open + 4));
    pushText(tokens, template, { start: place, end, trims, trimsBefore });
    if (open < 0) break;
    const inside = open + (trimsBefore ? 3 : 2);
    const action = lexComment(template, inside) ?? lexAction(template, { open, inside, tokens });
    trims = action.trims;
    place = action.end;
  }
  return tokens;
}

interface TextPlace {
  readonly start: number;
  readonly end: number;
  readonly trims: boolean;
  readonly trimsBefore: boolean;
}

function pushText(tokens: Token[], template: string, { start, end, trims, trimsBefore }: TextPlace): void {
  let text = template.slice(start, end);
  if (trims) text = text.replace(/^[ \t\r\n]+/, "");
  if (trimsBefore) text = trimmedEnd(text);
  if (text !== "") tokens.push({ kind: "text", text, start, end, isApart: false });
}

/** Without a regular expression, which would look again from each space of a long run. */
function trimmedEnd(text: string): string {
  let end = text.length;
  while (end > 0 && " \t\r\n".includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

interface ActionEnd {
  readonly end: number;
  /** What follows loses its leading white space. */
  readonly trims: boolean;
}

function lexComment(template: string, inside: number): ActionEnd | undefined {
  const start = skipSpace(template, inside);
  if (!template.startsWith("/*", start)) return undefined;
  const end = template.indexOf("*/", start + 2);
  if (end < 0) throw new TemplateFault("unclosed comment", start);
  const close = closing(template, end + 2);
  if (close === undefined) throw new TemplateFault("comment ends before closing delimiter", end);
  return close;
}

/** The end of an action, if it is here. */
function closing(template: string, place: number): ActionEnd | undefined {
  const behind = skipSpace(template, place);
  if (behind > place && template.startsWith("-}}", behind)) return { end: behind + 3, trims: true };
  return template.startsWith("}}", behind) ? { end: behind + 2, trims: false } : undefined;
}

interface ActionPlace {
  readonly open: number;
  readonly inside: number;
  readonly tokens: Token[];
}

function lexAction(template: string, { open, inside, tokens }: ActionPlace): ActionEnd {
  tokens.push({ kind: "open", text: "{{", start: open, end: inside, isApart: false });
  let place = inside;
  while (place < template.length) {
    const close = closing(template, place);
    const start = skipSpace(template, place);
    if (close !== undefined) {
      tokens.push({ kind: "close", text: "}}", start, end: close.end, isApart: start > place });
      return close;
    }
    const token = nextToken(template, start, start > place);
    tokens.push(token);
    place = token.end;
  }
  throw new TemplateFault("unclosed action", open);
}

function skipSpace(template: string, place: number): number {
  SPACE.lastIndex = place;
  SPACE.test(template);
  return SPACE.lastIndex;
}

function nextToken(template: string, start: number, isApart: boolean): Token {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = start;
    const found = pattern.exec(template)?.[0];
    if (found === undefined) continue;
    const end = start + found.length;
    if (/^(?:number|field|variable|word)$/.test(kind)) mustEnd(template, end);
    return { kind, text: kind === "string" ? meaning(found, start) : found, start, end, isApart };
  }
  if (start >= template.length) throw new TemplateFault("unclosed action", start);
  if (/["`]/.test(template.charAt(start))) throw new TemplateFault("unterminated quoted string", start);
  throw unexpected(template, start);
}

function mustEnd(template: string, place: number): void {
  ENDS.lastIndex = place;
  if (!ENDS.test(template)) throw unexpected(template, place);
}

function unexpected(template: string, place: number): TemplateFault {
  const found = String.fromCodePoint(template.codePointAt(place) ?? 0);
  return new TemplateFault(`unexpected ${JSON.stringify(found)} in command`, place);
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
};

function meaning(literal: string, start: number): string {
  const content = literal.slice(1, -1);
  if (literal.startsWith("`")) return content;
  const escapes = /\\(?:([abfnrtv\\"])|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|(.?))/gu;
  return content.replaceAll(escapes, (whole, ...parts: readonly (string | undefined)[]) => {
    const [name, byte, short, long, octal] = parts;
    if (name !== undefined) return ESCAPES[name] ?? "";
    const hex = byte ?? short ?? long;
    const code = hex === undefined ? Number.parseInt(octal ?? "", 8) : Number.parseInt(hex, 16);
    if (code <= 0x10ffff) return String.fromCodePoint(code);
    throw new TemplateFault(`invalid escape ${JSON.stringify(whole)} in string`, start);
  });
}
