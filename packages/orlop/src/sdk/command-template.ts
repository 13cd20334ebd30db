import { OrlopError } from "@orlop/core";

/** What may stand between the words of a command: text and numbers are part of a word, an array is words of its own. */
export type CommandValue = string | number | readonly (string | number)[];

/** A value, in messages. */
const VALUE = "...";

/** What a shell would act on; a command without one must not look as if it had one. */
const OF_SHELLS = /[|&;<>()$`\\]/;

/**
 * The words of a template: its text is split at white space, quotes of both kinds keep text together, and a value is what it
 * is, whatever characters it holds. There is no shell, and no expansion.
 *
 * @throws OrlopError `invalid` for an open quote, for what only a shell would understand, and for no word at all
 */
export function commandWordsOf(texts: readonly string[], values: readonly CommandValue[]): readonly string[] {
  const shown = texts.join(VALUE);
  const reader = new WordReader(shown);
  texts.forEach((text, index) => {
    checkText(text, shown);
    reader.addText(text);
    const value = values[index];
    if (value !== undefined) reader.addValue(value, texts[index + 1] ?? "");
  });
  return reader.end();
}

/**
 * A line for a shell whose first argument is the first value of the template, and so on: each stands in the line as a
 * parameter, in double quotes, so that it is neither split nor read.
 *
 * @throws OrlopError `invalid`
 */
export function shellLineOf(texts: readonly string[]): string {
  let quote = "";
  let line = "";
  texts.forEach((text, index) => {
    if (index > 0) line += parameterIn(quote, index);
    checkText(text, line);
    line += text;
    for (let at = 0; at < text.length; at++) {
      const character = text[at] ?? "";
      if (character === "\\" && quote !== "'") at++;
      else if (quote === character) quote = "";
      else if (quote === "" && (character === "'" || character === '"')) quote = character;
    }
  });
  return line;
}

function parameterIn(quote: string, index: number): string {
  const parameter = `\${${index}}`;
  if (quote === '"') return parameter;
  return quote === "" ? `"${parameter}"` : `'"${parameter}"'`;
}

/** Undefined where the compiler could make nothing of an escape. */
function checkText(text: string | undefined, shown: string): void {
  if (typeof text === "string" && !text.includes("\0")) return;
  throw new OrlopError(
    "invalid",
    `Cannot read command ${JSON.stringify(shown)}: an escape in it cannot be in a command`,
  );
}

class WordReader {
  readonly #shown: string;
  readonly #words: string[] = [];
  #word: string | undefined;
  #quote = "";

  constructor(shown: string) {
    this.#shown = shown;
  }

  addText(text: string): void {
    for (const character of text) {
      if (this.#quote !== "") {
        if (character === this.#quote) this.#quote = "";
        else this.#word += character;
      } else if (character === '"' || character === "'") {
        this.#quote = character;
        this.#word ??= "";
      } else if (/\s/.test(character)) this.#endWord();
      else if (OF_SHELLS.test(character)) {
        const way = `Try box.sh for a line of a shell, or quotes around the ${character}.`;
        throw this.#invalid(`"${character}" means something to a shell only, and there is none\n${way}`);
      } else this.#word = (this.#word ?? "") + character;
    }
  }

  addValue(value: CommandValue, next: string): void {
    if (typeof value === "string" || typeof value === "number") {
      this.#word = (this.#word ?? "") + String(value);
      return;
    }
    if (!Array.isArray(value))
      throw this.#invalid(`a value is a string, a number or an array of those, not ${typeof value}`);
    const isAlone = this.#word === undefined && (next === "" || /^\s/.test(next));
    if (!isAlone) throw this.#invalid("an array is words of its own, and stands between spaces");
    this.#words.push(...value.map(String));
  }

  end(): readonly string[] {
    if (this.#quote !== "") throw this.#invalid(`a ${this.#quote} is not closed`);
    this.#endWord();
    if (this.#words.length === 0) throw this.#invalid("it is empty");
    return this.#words;
  }

  #endWord(): void {
    if (this.#word !== undefined) this.#words.push(this.#word);
    this.#word = undefined;
  }

  #invalid(what: string): OrlopError {
    return new OrlopError("invalid", `Cannot read command ${JSON.stringify(this.#shown)}: ${what}`, {
      field: "command",
    });
  }
}
