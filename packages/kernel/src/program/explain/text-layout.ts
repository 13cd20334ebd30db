/** What a piece of text is, for the eye. */
type Style = "heading" | "comment" | "call" | "label" | "plain";

/** Text that stays on one line. Between two pieces a line may end. */
export interface Piece {
  readonly text: string;
  readonly style: Style;
}

export interface LayoutOptions {
  /** Columns that a line may have; a longer piece has a line of its own. */
  readonly width: number;
  readonly color: boolean;
}

const ESCAPE = "\u001b[";
/** Select graphic rendition (ECMA-48): bold, bright black, cyan, yellow; strings green. */
const CODES: Readonly<Record<Style, string>> = { heading: "1", comment: "90", call: "36", label: "33", plain: "" };
const STRING_CODE = "32";

/** Sets pieces in lines; all but the first begin with `indent` and then `hanging`. */
export function layOut(pieces: readonly Piece[], indent: string, hanging: string, options: LayoutOptions): string {
  const room = options.width - indent.length - hanging.length;
  const lines: Piece[][] = [[]];
  let column = indent.length;
  for (const piece of pieces.flatMap((each) => fitting(each, room))) {
    const line = lines.at(-1) ?? [];
    if (line.length > 0 && column + piece.text.trimEnd().length > options.width) {
      const text = piece.text.trimStart();
      lines.push([{ ...piece, text }]);
      column = indent.length + hanging.length + text.length;
    } else {
      line.push(piece);
      column += piece.text.length;
    }
  }
  return lines
    .map((line, index) => `${indent}${index === 0 ? "" : hanging}${line.map((each) => paint(each, options)).join("")}`)
    .map((line) => line.trimEnd())
    .join("\n");
}

/** A piece that has no room even on a line of its own is cut between flags. */
function fitting(piece: Piece, room: number): readonly Piece[] {
  return piece.text.length <= room ? [piece] : cut(piece, FLAGS);
}

function paint({ text, style }: Piece, { color }: LayoutOptions): string {
  const safe = printable(text);
  if (!color) return safe;
  if (style === "plain")
    return safe.replace(/"(?:[^"\\]|\\.)*"/g, (string) => `${ESCAPE}${STRING_CODE}m${string}${ESCAPE}0m`);
  const visible = safe.trimEnd();
  return `${ESCAPE}${CODES[style]}m${visible}${ESCAPE}0m${safe.slice(visible.length)}`;
}

/**
 * What a terminal would obey instead of showing, or show in another order than it stands, as escapes: configs and
 * images come from strangers.
 */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** Up to and with the next comma, or the next `|`, outside of strings. */
const ARGUMENTS = /(?:"(?:[^"\\]|\\.)*"|[^,"])*(?:, ?|"|$)/g;
const FLAGS = /(?:"(?:[^"\\]|\\.)*"|[^|"])*(?:\||"|$)/g;

function cut({ text, style }: Piece, pattern: RegExp): readonly Piece[] {
  return (text.match(pattern) ?? []).filter((part) => part !== "").map((part) => ({ text: part, style }));
}

/** Cuts text between arguments, where it may be wrapped. */
export function breakable(text: string, style: Style): readonly Piece[] {
  return cut({ text, style }, ARGUMENTS);
}

/** Cuts text between words. */
export function words(text: string, style: Style): readonly Piece[] {
  return text.split(/(?<= )/).map((word) => ({ text: word, style }));
}
