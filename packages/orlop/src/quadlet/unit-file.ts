import { OrlopError } from "@orlop/core";

/** One assignment of a unit file. */
export interface UnitEntry {
  readonly key: string;
  readonly value: string;
  /** Where it stands: `/etc/containers/systemd/web.container:7`. */
  readonly place: string;
}

/** What a unit file and its drop-ins say, section by section, in their order. */
export interface UnitFile {
  /** `web.container` */
  readonly name: string;
  readonly path: string;
  readonly sections: ReadonlyMap<string, readonly UnitEntry[]>;
}

/**
 * Reads texts of unit files as one, as systemd.syntax(7) says.
 *
 * @throws OrlopError `invalid` for a line that is none of one
 */
export function parseUnitFile(
  name: string,
  path: string,
  texts: readonly { readonly path: string; readonly text: string }[],
): UnitFile {
  const sections = new Map<string, UnitEntry[]>();
  for (const each of texts) readInto(sections, each.path, each.text);
  return { name, path, sections };
}

function readInto(sections: Map<string, UnitEntry[]>, path: string, text: string): void {
  let entries: UnitEntry[] | undefined;
  for (const { line, number } of logicalLines(text)) {
    const place = `${path}:${number}`;
    const [, title] = /^\[([^\]]+)\]$/.exec(line) ?? [];
    if (title !== undefined) {
      entries = sections.get(title) ?? [];
      sections.set(title, entries);
      continue;
    }
    const at = line.indexOf("=");
    if (at <= 0 || entries === undefined) {
      const what = at <= 0 ? "it is neither [SECTION] nor KEY=VALUE" : "no [SECTION] stands above it";
      throw new OrlopError("invalid", `Cannot read unit file at "${place}": ${what}`);
    }
    entries.push({ key: line.slice(0, at).trim(), value: line.slice(at + 1).trim(), place });
  }
}

/** Without comments; lines that a backslash ends go on in the next one. */
function* logicalLines(text: string): Generator<{ readonly line: string; readonly number: number }> {
  let begun: { line: string; number: number } | undefined;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (/^[#;]/.test(line)) continue;
    const goesOn = line.endsWith("\\");
    const part = goesOn ? `${line.slice(0, -1)} ` : line;
    begun = begun === undefined ? { line: part, number: index + 1 } : { ...begun, line: begun.line + part };
    if (goesOn) continue;
    if (begun.line.trim() !== "") yield { ...begun, line: begun.line.trim() };
    begun = undefined;
  }
  if (begun !== undefined && begun.line.trim() !== "") yield { ...begun, line: begun.line.trim() };
}

/** What a key has been given; an empty value takes back those before it. */
export function entriesOf({ sections }: UnitFile, section: string, key: string): readonly UnitEntry[] {
  const all = (sections.get(section) ?? []).filter((entry) => entry.key === key);
  return all.slice(all.findLastIndex(({ value }) => value === "") + 1);
}

/** The one that counts of a key that has one value. */
export function lastEntry(unit: UnitFile, section: string, key: string): UnitEntry | undefined {
  return entriesOf(unit, section, key).at(-1);
}

/** Spellings of systemd's. @throws OrlopError `invalid` */
export function isTrue({ key, value, place }: UnitEntry): boolean {
  if (/^(1|yes|y|true|t|on)$/i.test(value)) return true;
  if (/^(0|no|n|false|f|off)$/i.test(value)) return false;
  throw new OrlopError("invalid", `Cannot use "${key}=${value}" at "${place}": it is yes or no`);
}

/** @throws OrlopError `unsupported` */
export function refuseEntry({ key, place }: UnitEntry, reason: string): never {
  throw new OrlopError("unsupported", `Cannot use "${key}=" at "${place}": ${reason}`);
}
