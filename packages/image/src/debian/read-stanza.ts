import { refusedFile } from "./debian-error.ts";

/** Fields by their names in lower case, with values as they stand, lines of a value still with what begins them. */
export type Stanza = ReadonlyMap<string, string>;

/** What exists has less than a hundred. */
const FIELDS_MAX = 1000;

const FIELD = /^([!-9;-~]+):[ \t]*(.*)$/;

/**
 * The fields of one stanza (deb822(5)). `name` is for errors.
 *
 * @throws OrlopError `invalid`
 */
export function readStanza(text: string, name: string): Stanza {
  const fields = new Map<string, string>();
  let current = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) continue;
    if (/^[ \t]/.test(line)) {
      if (current === "") throw refusedFile(name, "it begins within a field");
      fields.set(current, `${fields.get(current)}\n${line.trimEnd()}`);
      continue;
    }
    if (line.trim() === "") continue;
    const [, field, value = ""] = FIELD.exec(line) ?? [];
    if (field === undefined || field.startsWith("-")) throw refusedFile(name, "it has a line that is no field");
    current = field.toLowerCase();
    if (fields.has(current)) throw refusedFile(name, `it has the field ${field} twice`);
    if (fields.size >= FIELDS_MAX) throw refusedFile(name, `a stanza has more than ${FIELDS_MAX} fields`);
    fields.set(current, value.trimEnd());
  }
  return fields;
}

/** The stanzas of a file, in order; between them are empty lines. */
export function readStanzas(text: string, name: string): readonly Stanza[] {
  return text
    .split(/\n(?:[ \t]*\n)+/)
    .map((each) => readStanza(each, name))
    .filter((stanza) => stanza.size > 0);
}

/** A value of words, on however many lines. */
export function words(value: string | undefined): readonly string[] {
  return (value ?? "").split(/\s+/).filter((word) => word !== "");
}
