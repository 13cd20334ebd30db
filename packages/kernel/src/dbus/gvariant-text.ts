import { OrlopError } from "@orlop/core";
import { encodeDBusValues } from "./dbus-encode.ts";
import type { DBusValue, DBusVariant } from "./dbus-value.ts";

/** Type keywords of GVariant's text format that D-Bus has types for. */
const KEYWORDS: Readonly<Record<string, string>> = {
  boolean: "b",
  byte: "y",
  int16: "n",
  uint16: "q",
  int32: "i",
  uint32: "u",
  int64: "x",
  uint64: "t",
  double: "d",
  string: "s",
  objectpath: "o",
  signature: "g",
};

/** Longest text taken. */
const TEXT_LENGTH_MAX = 65_536;

/**
 * Reads a value in GVariant's text format, as far as annotations use it: booleans, numbers, strings in single or
 * double quotes, arrays of them in brackets, each with a type before it (`uint64 5`, `@t 5`) or, for numbers,
 * int32 and double without one.
 *
 * Throws OrlopError("invalid") on another form or a value that its type cannot hold.
 */
export function parseGVariantText(text: string): DBusVariant {
  if (text.length > TEXT_LENGTH_MAX)
    throw invalid(text.slice(0, 40), `it is longer than ${TEXT_LENGTH_MAX} characters`);
  const parser = new Parser(text);
  const variant = parser.parse();
  encodeDBusValues(variant.signature, [variant.value]);
  return variant;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): DBusVariant {
    const variant = this.#value(undefined);
    this.#space();
    if (this.#at !== this.#text.length) throw this.#refuse("something follows the value");
    return variant;
  }

  /** A value of the given type, or of the one that stands before it. */
  #value(given: string | undefined): DBusVariant {
    const named = this.#match(/@([a-z()]+)\s+|([a-z0-9]+)\s+(?=\S)/y);
    const signature = named === undefined ? given : (named[1] ?? KEYWORDS[named[2] ?? ""]);
    if (named !== undefined && signature === undefined) throw this.#refuse(`"${named[2]}" is no type`);
    if (this.#match(/\[/y) !== undefined) return this.#array(signature);
    if (signature?.startsWith("a")) throw this.#refuse("an array stands in brackets");
    return this.#text[this.#at] === "'" || this.#text[this.#at] === '"'
      ? { signature: signature ?? "s", value: this.#quoted() }
      : this.#scalar(signature);
  }

  #array(signature: string | undefined): DBusVariant {
    let element = signature?.startsWith("a") ? signature.slice(1) : undefined;
    if (signature !== undefined && element === undefined) throw this.#refuse("that type is not an array's");
    const items: DBusValue[] = [];
    while (this.#match(/\]/y) === undefined) {
      if (items.length > 0 && this.#match(/,/y) === undefined) throw this.#refuse("elements are separated by commas");
      const item = this.#value(element);
      element ??= item.signature;
      if (item.signature !== element) throw this.#refuse("an array's elements have one type");
      items.push(item.value);
    }
    if (element === undefined) throw this.#refuse("an empty array needs a type, such as @as");
    return { signature: `a${element}`, value: element === "y" ? Uint8Array.from(items as number[]) : items };
  }

  #scalar(signature: string | undefined): DBusVariant {
    const word = this.#match(/[-+.\w]+/y)?.[0] ?? "";
    if (word === "true" || word === "false") return { signature: signature ?? "b", value: word === "true" };
    if (signature === "d" || (signature === undefined && /^[-+]?\d*\.\d+(e[-+]?\d+)?$/i.test(word))) {
      return { signature: "d", value: Number(word === "" ? Number.NaN : word) };
    }
    if (!/^[-+]?(0x[0-9a-f]+|\d+)$/i.test(word)) throw this.#refuse(`"${word}" is no value`);
    const value = word.startsWith("-") ? -BigInt(word.slice(1)) : BigInt(word.replace("+", ""));
    const type = signature ?? "i";
    return { signature: type, value: type === "x" || type === "t" ? value : Number(value) };
  }

  #quoted(): string {
    const quote = this.#text[this.#at];
    let string = "";
    for (this.#at++; this.#text[this.#at] !== quote; this.#at++) {
      let character = this.#text[this.#at];
      if (character === "\\") character = ESCAPES[this.#text[++this.#at] ?? ""] ?? this.#text[this.#at];
      if (character === undefined) throw this.#refuse("a quote is not closed");
      string += character;
    }
    this.#at++;
    return string;
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    this.#space();
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text) ?? undefined;
    if (match !== undefined) this.#at = pattern.lastIndex;
    return match;
  }

  #refuse(what: string): OrlopError {
    return invalid(this.#text, `${what} (at ${this.#at})`);
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

function invalid(text: string, what: string): OrlopError {
  return new OrlopError("invalid", `Cannot read value ${JSON.stringify(text)}: ${what}`, { operation: "D-Bus" });
}
