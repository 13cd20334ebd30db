import { TomlText } from "./toml-text.ts";

export type TomlValue = string | number | boolean | readonly TomlValue[] | TomlTable;
/** Without a prototype, in the order of the document. */
export interface TomlTable {
  readonly [key: string]: TomlValue;
}

type MutableTable = Record<string, TomlValue>;

const DEPTH_MAX = 32;
const BARE_KEY = /[A-Za-z0-9_-]+/y;
const NUMBER =
  /[+-]?(?:0x[\dA-Fa-f_]+|0o[0-7_]+|0b[01_]+|inf|nan|\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d[\d_]*)?)(?![\w.:-])/y;

/**
 * Reads TOML 1.0 (https://toml.io/en/v1.0.0), dates apart: no file that is read here has any.
 *
 * @throws TomlError
 */
export function parseToml(text: string): TomlTable {
  return new TomlParser(new TomlText(text)).document();
}

class TomlParser {
  readonly #text: TomlText;
  readonly #root: MutableTable = newTable();
  /** Tables that have been given in full: nothing may be added to them. */
  readonly #closed = new WeakSet<object>();
  /** Tables with a header of their own: there may be no second one. */
  readonly #headed = new WeakSet<object>();
  /** Lists of tables, which headers add to. */
  readonly #lists = new WeakSet<object>();

  constructor(text: TomlText) {
    this.#text = text;
  }

  document(): TomlTable {
    let table = this.#root;
    for (;;) {
      this.#text.skipLines();
      if (this.#text.isAtEnd) return this.#root;
      if (this.#text.peek() === "[") table = this.#header();
      else this.#member(table, 0);
      this.#text.endLine();
    }
  }

  #header(): MutableTable {
    const isList = this.#text.accept("[[");
    if (!isList) this.#text.expect("[");
    const path = this.#path();
    this.#text.expect(isList ? "]]" : "]");
    const name = path.pop() as string;
    const parent = path.reduce((table, key) => this.#descend(table, key), this.#root);
    if (isList) return this.#add(parent, name);
    const table = this.#descend(parent, name);
    if (this.#headed.has(table)) throw this.#text.wrong(`a second table "${name}"`);
    this.#headed.add(table);
    return table;
  }

  #add(parent: MutableTable, name: string): MutableTable {
    const known = parent[name];
    const list = (known ?? []) as TomlValue[];
    if (known !== undefined && !this.#lists.has(list)) throw this.#text.wrong(`a second value for "${name}"`);
    this.#lists.add(list);
    parent[name] = list;
    const table = newTable();
    list.push(table);
    return table;
  }

  /** The table of this name, or the last of a list of tables; it is made where there is none. */
  #descend(table: MutableTable, key: string): MutableTable {
    let value = table[key];
    if (value === undefined) {
      value = newTable();
      table[key] = value;
    }
    if (this.#lists.has(value as object)) value = (value as readonly TomlValue[]).at(-1);
    if (typeof value !== "object" || Array.isArray(value) || this.#closed.has(value)) {
      throw this.#text.wrong(`a second value for "${key}"`);
    }
    return value as MutableTable;
  }

  #member(table: MutableTable, depth: number): void {
    const path = this.#path();
    const name = path.pop() as string;
    const parent = path.reduce((each, key) => this.#descend(each, key), table);
    this.#text.expect("=");
    this.#text.skipSpaces();
    if (Object.hasOwn(parent, name)) throw this.#text.wrong(`a second value for "${name}"`);
    parent[name] = this.#value(depth + 1);
  }

  #path(): string[] {
    const path: string[] = [];
    do {
      this.#text.skipSpaces();
      const isLong = ['"""', "'''"].includes(this.#text.peek(3));
      const key = (isLong ? undefined : this.#text.string()) ?? this.#text.match(BARE_KEY);
      if (key === undefined) throw this.#text.wrong("no key where one has to be");
      path.push(key);
      this.#text.skipSpaces();
    } while (this.#text.accept("."));
    if (path.length > DEPTH_MAX) throw this.#text.wrong("too many tables in each other");
    return path;
  }

  #value(depth: number): TomlValue {
    if (depth > DEPTH_MAX) throw this.#text.wrong("too many values in each other");
    const text = this.#text.string();
    if (text !== undefined) return text;
    if (this.#text.accept("[")) return this.#list(depth);
    if (this.#text.accept("{")) return this.#inline(depth);
    const word = this.#text.match(/(?:true|false)(?!\w)/y);
    if (word !== undefined) return word === "true";
    const number = this.#text.match(NUMBER);
    if (number === undefined) throw this.#text.wrong("a value that cannot be read");
    return this.#number(number);
  }

  #number(text: string): number {
    const isMalformed = /(?:^|\D)_|_(?:\D|$)/.test(text.replaceAll(/(?<=[\da-f])_(?=[\da-f])/gi, ""));
    const digits = text.replaceAll("_", "");
    const bare = digits.replace(/^[+-]/, "");
    const isPadded = /^0\d/.test(bare) || (/^0[xob]/.test(bare) && bare !== digits);
    if (isMalformed || isPadded) throw this.#text.wrong(`a number "${text}" that cannot be read`);
    const sign = digits.startsWith("-") ? -1 : 1;
    if (bare === "inf") return sign * Number.POSITIVE_INFINITY;
    return bare === "nan" ? Number.NaN : sign * Number(bare);
  }

  #list(depth: number): readonly TomlValue[] {
    const list: TomlValue[] = [];
    for (;;) {
      this.#text.skipLines();
      if (this.#text.accept("]")) return list;
      list.push(this.#value(depth + 1));
      this.#text.skipLines();
      if (this.#text.accept(",")) continue;
      this.#text.expect("]");
      return list;
    }
  }

  #inline(depth: number): TomlTable {
    const table = newTable();
    this.#text.skipSpaces();
    if (!this.#text.accept("}")) {
      do this.#member(table, depth);
      while (this.#text.match(/[ \t]*,[ \t]*/y) !== undefined);
      this.#text.skipSpaces();
      this.#text.expect("}");
    }
    this.#closed.add(table);
    return table;
  }
}

function newTable(): MutableTable {
  return Object.create(null) as MutableTable;
}
