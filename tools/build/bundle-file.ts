import { createHash } from "node:crypto";
import { asciiOnly } from "./ascii-only.ts";
import type { CommandBundle } from "./bundle-command.ts";

/** An input of a checkout's bundle: its path from the root of the checkout, its size, its last change in ms. */
export type BundleInput = readonly [path: string, size: number, changedMs: number];

/** Where a part is in the file: from which byte on, how many bytes, and how many lines these end. */
type PartPlace = readonly [name: string, offset: number, bytes: number, lines: number];

/** What the file says of itself, as bin/start.cjs reads it. */
interface BundleRecord {
  readonly build: string;
  readonly parts: readonly PartPlace[];
  readonly inputs: readonly BundleInput[];
}

const HEAD = "({\n";
/** Digits of the size of the record, with which the file ends. */
const SIZE_DIGITS = 8;

function partText({ name, text }: CommandBundle[number]): string {
  return `${JSON.stringify(name)}: function (exports, require, __filename, __dirname) {\n${text.trimEnd()}\n},\n`;
}

/**
 * The bundle as a file: an expression whose value is an object with a function for each part, so that a part can be left out and
 * every other stay where it is, and behind it the record of where they are.
 */
export function bundleFile(bundle: CommandBundle, inputs: readonly BundleInput[] = []): string {
  const texts = bundle.map(partText);
  let offset = HEAD.length;
  const parts = bundle.map(({ name }, index): PartPlace => {
    const text = texts[index] as string;
    const place = [name, offset, text.length, text.split("\n").length - 1] as const;
    offset += text.length;
    return place;
  });
  const code = `${HEAD}${texts.join("")}})\n//# sourceMappingURL=cli.cjs.map\n`;
  const build = createHash("sha256").update(code).digest("hex").slice(0, 16);
  const record = asciiOnly(JSON.stringify({ build, parts, inputs } satisfies BundleRecord));
  return `${code}// ${record}${String(record.length).padStart(SIZE_DIGITS)}`;
}

/** The source map of that file: ECMA-426, "Index source map". */
export function bundleMap(bundle: CommandBundle): string {
  let line = 1;
  const sections = bundle.map((part) => {
    // Behind the line with which its function begins.
    const section = { offset: { line: line + 1, column: 0 }, map: JSON.parse(part.map) as unknown };
    line += partText(part).split("\n").length - 1;
    return section;
  });
  return JSON.stringify({ version: 3, file: "cli.cjs", sections });
}
