/** What a terminal would take for an order: all control characters but tabs and ends of lines. */
const ORDERS = /[^\P{Cc}\n\t]/gu;

/** Of nearly all that is printed a glance tells that it has none: the look for orders takes ten times as long. */
const PLAIN = /^[ -~]*$/;

/** A text for somebody to read, with escapes in the place of what a terminal would take for orders. */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.replace(ORDERS, escaped);
}

/** The same of what stands in one line with others: tabs and ends of lines have escapes as well. */
export function printableCell(text: string): string {
  return PLAIN.test(text) ? text : printable(text).replaceAll("\t", "\\t").replaceAll("\n", "\\n");
}

function escaped(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
