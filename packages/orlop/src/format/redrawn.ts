/** A text on a terminal over the one before: from the upper left corner, over what stands there. */
export function redrawn(text: string, isFirst: boolean): string {
  return `${isFirst ? "\x1b[2J" : ""}\x1b[H${text.replaceAll("\n", "\x1b[K\n")}\x1b[J`;
}
