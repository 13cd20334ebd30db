import { wrapText } from "../wrap-text.ts";
import type { Finding, Severity } from "./finding.ts";

export interface Section {
  readonly title: string;
  readonly findings: readonly Finding[];
}

interface TextOptions {
  readonly color: boolean;
  readonly width: number;
}

const MARKS: Readonly<Record<Severity, readonly [text: string, color: number]>> = {
  ok: ["ok", 32],
  warning: ["!!", 33],
  failure: ["XX", 31],
};
const NAME_WIDTH = 27;
const INDENT = "      ";

/** The findings as a person reads them: one line each, and below what is lacking, why it matters and what to do. */
export function findingsText(sections: readonly Section[], options: TextOptions): string {
  return sections
    .flatMap(({ title, findings }) => [title, "", ...findings.flatMap((each) => findingLines(each, options)), ""])
    .join("\n");
}

function findingLines({ severity, check, found, why, fix }: Finding, { color, width }: TextOptions): readonly string[] {
  const [mark, code] = MARKS[severity];
  const shown = color ? `\u001b[${code}m${mark}\u001b[0m` : mark;
  const wrap = (label: string, text: string): string =>
    INDENT + wrapText(`${label} ${text}`, width - INDENT.length, `${INDENT}     `);
  return [
    `  ${shown}  ${check.padEnd(NAME_WIDTH)} ${found}`,
    ...(why === undefined ? [] : [wrap("why:", why)]),
    // A command is to be copied: it stays on one line.
    ...(fix === undefined ? [] : [`${INDENT}fix: ${fix}`]),
  ];
}
