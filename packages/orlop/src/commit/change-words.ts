import { OrlopError } from "@orlop/core";

type Variables = ReadonlyMap<string, string>;

/**
 * Words of an instruction as a Dockerfile has them: between blanks, unless those are in quotes or behind a backslash; `$NAME`,
 * `${NAME}`, `${NAME:-otherwise}` and `${NAME:+instead}` stand for variables, except in single quotes.
 *
 * @throws OrlopError `invalid`
 */
export function splitWords(text: string, variables: Variables): readonly string[] {
  return new WordReader(text, variables).words();
}

/** The same for text that is one word, whatever blanks it has. */
export function expandWord(text: string, variables: Variables): string {
  return new WordReader(text, variables, true).words()[0] ?? "";
}

class WordReader {
  readonly #text: string;
  readonly #variables: Variables;
  readonly #isOne: boolean;
  readonly #words: string[] = [];
  #at = 0;
  /** Undefined between words. */
  #word: string | undefined;

  constructor(text: string, variables: Variables, isOne = false) {
    this.#text = text;
    this.#variables = variables;
    this.#isOne = isOne;
  }

  words(): readonly string[] {
    while (this.#at < this.#text.length) this.#step();
    this.#end();
    return this.#words;
  }

  #step(): void {
    const character = this.#take();
    if (!this.#isOne && /\s/.test(character)) this.#end();
    else if (character === "'") this.#add(this.#until("'"));
    else if (character === '"') this.#quoted();
    else if (character === "\\") this.#add(this.#take());
    else if (character === "$") this.#add(this.#variable());
    else this.#add(character);
  }

  #quoted(): void {
    this.#add("");
    for (let character = this.#take(); character !== '"'; character = this.#take()) {
      if (character === "") throw malformed(this.#text, 'a " has no end');
      const isEscaped = character === "\\" && ['"', "\\", "$"].includes(this.#text[this.#at] ?? "");
      this.#add(isEscaped ? this.#take() : character === "$" ? this.#variable() : character);
    }
  }

  #variable(): string {
    const [plain] = /^[A-Za-z_]\w*/.exec(this.#text.slice(this.#at)) ?? [];
    if (plain !== undefined) {
      this.#at += plain.length;
      return this.#variables.get(plain) ?? "";
    }
    if (this.#text[this.#at] !== "{") return "$";
    this.#at++;
    const inside = this.#until("}");
    const [, name, operator, word = ""] = /^([A-Za-z_]\w*)(?::([-+])([\s\S]*))?$/.exec(inside) ?? [];
    if (name === undefined) throw malformed(this.#text, `\${${inside}} is no variable`);
    const value = this.#variables.get(name) ?? "";
    if (operator === "-") return value === "" ? expandWord(word, this.#variables) : value;
    if (operator === "+") return value === "" ? "" : expandWord(word, this.#variables);
    return value;
  }

  /** Up to the first such character, which is skipped. */
  #until(end: string): string {
    const at = this.#text.indexOf(end, this.#at);
    if (at < 0) throw malformed(this.#text, `a ${end === "}" ? "{" : end} has no end`);
    const text = this.#text.slice(this.#at, at);
    this.#at = at + 1;
    return text;
  }

  /** Empty at the end. */
  #take(): string {
    return this.#text[this.#at++] ?? "";
  }

  #add(text: string): void {
    this.#word = (this.#word ?? "") + text;
  }

  #end(): void {
    if (this.#word !== undefined) this.#words.push(this.#word);
    this.#word = undefined;
  }
}

function malformed(text: string, what: string): OrlopError {
  return new OrlopError("invalid", `Cannot use change "${text}": ${what}`);
}
