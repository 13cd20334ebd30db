/** Without anything that would make a terminal do something: names come from outside. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "?");
}

/**
 * How many columns of a terminal a text takes, at most: whatever is not ASCII may be twice as wide, and terminals do not
 * agree on what is.
 */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += character < "\x7f" ? 1 : 2;
  return columns;
}

/** So much of a text as fits into so many columns. */
export function clipped(text: string, columns: number): string {
  let used = 0;
  let kept = "";
  for (const character of text) {
    used += columnsOf(character);
    if (used > columns) break;
    kept += character;
  }
  return kept;
}
