import { OrlopError } from "@orlop/core";
import type { UnitEntry } from "./unit-file.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v", s: " " },
  ...{ "\\": "\\", '"': '"', "'": "'" },
};

/** Words of a value as systemd.syntax(7) divides them: by blanks, with quotes and escapes. @throws OrlopError `invalid` */
export function splitWords({ key, value, place }: UnitEntry): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < value.length; at++) {
    const character = value.charAt(at);
    if (character === "\\") {
      const next = value.charAt(++at);
      word = (word ?? "") + (ESCAPES[next] ?? `\\${next}`);
    } else if (quote !== "" ? character === quote : word === undefined && /["']/.test(character)) {
      quote = quote === "" ? character : "";
      word ??= "";
    } else if (quote === "" && /["']/.test(character)) {
      quote = character;
    } else if (quote === "" && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + character;
  }
  if (quote !== "") throw new OrlopError("invalid", `Cannot use "${key}=" at "${place}": a quote is not closed`);
  return word === undefined ? words : [...words, word];
}

/** A word of a command line of systemd's, in which its specifiers and variables mean what they mean. */
export function commandWord(text: string): string {
  if (/^[A-Za-z0-9_@%+=:,./${}^~*-]+$/.test(text)) return text;
  const quoted = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n").replaceAll("\t", "\\t");
  return `"${quoted}"`;
}
