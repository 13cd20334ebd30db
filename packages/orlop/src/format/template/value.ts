/** What a template works on: Go's kinds of values, as far as JSON has them. A number without a fraction is an integer. */
export type Value = null | boolean | number | bigint | string | readonly Value[] | Dictionary | Struct;

/** Go's nil slice: behaves as an empty list, and is `null` in JSON. */
export const NIL_LIST: readonly Value[] = Object.freeze([]);

/** Go's map with strings for keys: a key that is not there is no mistake. */
export class Dictionary {
  /** Sorted, as Go's templates and its JSON go through them. */
  readonly entries: ReadonlyMap<string, Value>;
  /** `null` in JSON. */
  readonly isNil: boolean;
  /** What `index` gives for a key that is not there: the zero value of Go's type. */
  readonly zero: Value;

  constructor(entries: Iterable<readonly [string, Value]> | undefined, zero: Value = null) {
    this.entries = new Map([...(entries ?? [])].sort(([a], [b]) => compareText(a, b)));
    this.isNil = entries === undefined;
    this.zero = zero;
  }
}

export interface StructField {
  readonly name: string;
  /** In JSON, where it is another one; templates know both. */
  readonly jsonName?: string;
  readonly value: Value;
  /** JSON leaves it out where it is empty. */
  readonly omitEmpty?: true;
}

/** Go's struct: its fields are fixed, and asking for another is a mistake. */
export class Struct {
  readonly fields: readonly StructField[];

  constructor(fields: readonly StructField[]) {
    this.fields = fields;
  }

  get(name: string): Value | undefined {
    return this.fields.find((field) => field.name === name || field.jsonName === name)?.value;
  }
}

/** A struct whose fields are called the same in JSON, in the order of their names. */
export function structOf(fields: Readonly<Record<string, Value>>): Struct {
  const sorted = Object.entries(fields).sort(([a], [b]) => compareText(a, b));
  return new Struct(sorted.map(([name, value]) => ({ name, value })));
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** What Go's templates take for false: zero, nothing and whatever has no elements. */
export function isTrue(value: Value): boolean {
  if (isList(value)) return value.length > 0;
  if (value instanceof Dictionary) return value.entries.size > 0;
  return Boolean(value);
}

/** Go's name of the type, for messages. */
export function typeName(value: Value): string {
  if (value === null) return "nil";
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "int64";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  if (isList(value)) return "[]interface {}";
  return value instanceof Dictionary ? "map[string]interface {}" : "struct";
}

/** Go's order of strings: by the bytes of UTF-8. */
export function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
