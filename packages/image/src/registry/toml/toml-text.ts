/** What is wrong with a document, and where. */
export class TomlError extends Error {
  override readonly name = "TomlError";
}

const ESCAPES: Readonly<Record<string, string>> = {
  b: "\b",
  t: "\t",
  n: "\n",
  f: "\f",
  r: "\r",
  e: "\x1b",
  '"': '"',
  "\\": "\\",
};
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what may not stand in a document (TOML 1.0, "Comment").
const CONTROL = /[\0-\x08\x0b-\x1f\x7f]/;

/** The text of a document with a place in it. */
export class TomlText {
  readonly #text: string;
  #at = 0;

  /** @throws TomlError */
  constructor(text: string) {
    this.#text = text.replaceAll("\r\n", "\n");
    const control = CONTROL.exec(this.#text);
    if (control === null) return;
    this.#at = control.index;
    throw this.wrong("a control character");
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  peek(length = 1): string {
    return this.#text.slice(this.#at, this.#at + length);
  }

  /** Goes past what a sticky pattern finds here. */
  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  /** Goes past this text if it is here. */
  accept(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  expect(text: string): void {
    if (!this.accept(text)) throw this.wrong(`no "${text}" where one has to be`);
  }

  skipSpaces(): void {
    this.match(/[ \t]*/y);
  }

  /** Spaces, comments and line ends. */
  skipLines(): void {
    this.match(/(?:[ \t\n]|#[^\n]*)*/y);
  }

  /** The rest of a line is empty. */
  endLine(): void {
    this.match(/[ \t]*(?:#[^\n]*)?/y);
    if (!this.isAtEnd) this.expect("\n");
  }

  /** A string in any of its four forms (TOML 1.0, "String"); undefined: none begins here. */
  string(): string | undefined {
    if (this.accept('"""')) return this.#long('"');
    if (this.accept("'''")) return this.#long("'");
    if (this.accept('"')) return this.#short('"');
    return this.accept("'") ? this.#short("'") : undefined;
  }

  wrong(problem: string): TomlError {
    const line = this.#text.slice(0, this.#at).split("\n").length;
    return new TomlError(`${problem} in line ${line}`);
  }

  #short(quote: string): string {
    const content = this.match(quote === '"' ? /(?:[^"\\\n]|\\.)*/y : /[^'\n]*/y) ?? "";
    if (!this.accept(quote)) throw this.wrong("a string without an end");
    return quote === '"' ? this.#unescape(content) : content;
  }

  #long(quote: string): string {
    this.accept("\n");
    const pattern = quote === '"' ? /(?:[^"\\]|\\[\s\S]|"{1,2}(?!"))*/y : /(?:[^']|'{1,2}(?!'))*/y;
    let content = this.match(pattern) ?? "";
    if (!this.accept(quote.repeat(3))) throw this.wrong("a string without an end");
    // Up to two quotes may stand before the end.
    while (this.accept(quote)) content += quote;
    if (quote === "'") return content;
    return this.#unescape(content.replaceAll(/(?<!\\)((?:\\\\)*)\\[ \t]*\n[ \t\n]*/g, "$1"));
  }

  #unescape(content: string): string {
    return content.replaceAll(/\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([\s\S]))/g, (_all, short, long, one) => {
      const hex = (short ?? long) as string | undefined;
      const code = hex === undefined ? undefined : Number.parseInt(hex, 16);
      if (code !== undefined && (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))) {
        throw this.wrong("an escape that is no character");
      }
      const character = code === undefined ? ESCAPES[one as string] : String.fromCodePoint(code);
      if (character === undefined) throw this.wrong(`an escape "\\${one}" that there is not`);
      return character;
    });
  }
}
