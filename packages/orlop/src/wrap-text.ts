/** Breaks a line between words so that none is longer than `width`; further lines begin with `indent`. */
export function wrapText(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join(`\n${indent}`);
}

/** Whether a text leaves no room for a gap before the column. */
export function isWide(text: string, column: number): boolean {
  return text.length > column - 2;
}
