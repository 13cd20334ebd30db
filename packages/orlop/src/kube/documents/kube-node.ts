import { OrlopError } from "@orlop/core";
import type { KubeFields } from "./kube-fields.ts";

/**
 * A value of a document, with the path that leads to it. Every reading names the place of what is wrong; an object is only
 * read by a table of its fields, so that nothing in it goes unnoticed.
 */
export class KubeNode {
  readonly path: string;
  readonly value: unknown;

  constructor(path: string, value: unknown) {
    this.path = path;
    this.value = value;
  }

  /** Nothing is said here: missing, null, or an object without fields. */
  get isEmpty(): boolean {
    return isNothing(this.value);
  }

  /** @throws OrlopError `invalid` for what is no object or has an unknown field, `unsupported` for one that is not done */
  object(fields: KubeFields): KubeObject {
    const entries = Object.entries(this.#record());
    for (const [name, value] of entries) {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
      const path = join(this.path, name);
      if (field === undefined) throw refusal("invalid", path, "there is no such field");
      if (field.refused !== undefined && !isNothing(value)) throw refusal("unsupported", path, field.refused);
    }
    return new KubeObject(this.path, new Map(entries.filter(([, value]) => value !== null)));
  }

  get isNumber(): boolean {
    return typeof this.value === "number";
  }

  list(): readonly KubeNode[] {
    if (this.value === undefined || this.value === null) return [];
    if (!Array.isArray(this.value)) throw this.invalid("it is a list");
    return this.value.map((value: unknown, index) => new KubeNode(`${this.path}[${index}]`, value));
  }

  /** Of texts, by names that are anybody's choice. */
  texts(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      Object.entries(this.#record()).map(([name, value]) => [name, new KubeNode(join(this.path, name), value).text()]),
    );
  }

  text(): string {
    if (typeof this.value !== "string") throw this.invalid('it is a text (a number or true needs quotes: "8080")');
    if (this.value.includes("\0")) throw this.invalid("it has a zero byte");
    return this.value;
  }

  flag(): boolean {
    if (typeof this.value !== "boolean") throw this.invalid("it is true or false");
    return this.value;
  }

  integer(min: number, max: number = Number.MAX_SAFE_INTEGER): number {
    const { value } = this;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw this.invalid(`it is a whole number from ${min} to ${max}`);
  }

  /** One of some words. */
  word<T extends string>(...words: readonly T[]): T {
    const found = words.find((word) => word === this.value);
    if (found !== undefined) return found;
    throw refusal(typeof this.value === "string" ? "unsupported" : "invalid", this.path, `it is ${words.join(" or ")}`);
  }

  invalid(what: string): OrlopError {
    return refusal("invalid", this.path, what);
  }

  #record(): Readonly<Record<string, unknown>> {
    const { value } = this;
    if (value === undefined || value === null) return {};
    if (typeof value === "object" && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
    throw this.invalid("it is an object with fields");
  }
}

/** An object whose fields are all known. */
export class KubeObject {
  readonly path: string;
  readonly #values: ReadonlyMap<string, unknown>;

  constructor(path: string, values: ReadonlyMap<string, unknown>) {
    this.path = path;
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Of a field that may be missing, for readings that take that. */
  at(name: string): KubeNode {
    return new KubeNode(join(this.path, name), this.#values.get(name));
  }

  /** @throws OrlopError `invalid` when it is missing */
  needed(name: string): KubeNode {
    const node = this.at(name);
    if (node.value === undefined) throw node.invalid("it is missing");
    return node;
  }

  /** Undefined when it is missing. */
  maybe<T>(name: string, read: (node: KubeNode) => T): T | undefined {
    return this.has(name) ? read(this.at(name)) : undefined;
  }
}

function join(path: string, name: string): string {
  const shown = /^[A-Za-z0-9_.-]+$/.test(name) ? name : JSON.stringify(name.slice(0, 100));
  return path === "" ? shown : `${path}.${shown}`;
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

export function refusal(code: "invalid" | "unsupported" | "not-found", path: string, what: string): OrlopError {
  return new OrlopError(code, `Cannot play "${path}": ${what}`, { field: path });
}
