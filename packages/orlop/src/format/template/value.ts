/** What a template works on: Go's kinds of values, as far as JSON has them. A number without a fraction is an integer. */
export type Value = null | boolean | number | bigint | string | readonly Value[] | Dictionary | Struct;

/** Go's nil slice: behaves as an empty list, and is `null` in JSON. */
export const NIL_LIST: readonly Value[] = Object.freeze([]);

/** Go's methods that take one argument: `.Label "team"`. */
export type Methods = Readonly<Record<string, (argument: string) => Value>>;

/** Go's map with strings for keys: a key that is not there is no mistake. */
export class Dictionary {
  /** Sorted, as Go's templates and its JSON go through them. */
  readonly entries: ReadonlyMap<string, Value>;
  /** `null` in JSON. */
  readonly isNil: boolean;
  /** What `index` gives for a key that is not there: the zero value of Go's type. */
  readonly zero: Value;
  readonly methods: Methods;

  constructor(entries: Iterable<readonly [string, Value]> | undefined, zero: Value = null, methods: Methods = {}) {
    this.entries = new Map([...(entries ?? [])].sort(([a], [b]) => compareText(a, b)));
    this.isNil = entries === undefined;
    this.zero = zero;
    this.methods = methods;
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
  readonly #fields: readonly StructField[];
  readonly #methods: Methods;
  /** In JSON its strings have escapes for HTML, as Go's encoder has them unless it is told not to. */
  readonly isEscaped: boolean;

  constructor(fields: readonly StructField[], isEscaped = false, methods: Methods = {}) {
    this.#fields = fields;
    this.#methods = methods;
    this.isEscaped = isEscaped;
  }

  get fields(): readonly StructField[] {
    return this.#fields;
  }

  get methods(): Methods {
    return this.#methods;
  }

  get(name: string): Value | undefined {
    return this.fields.find((field) => field.name === name || field.jsonName === name)?.value;
  }
}

/** A row of a list: a struct whose fields are called the same in JSON, in the order of their names, as docker writes its rows. */
export function structOf(fields: Readonly<Record<string, Value>>, methods: Methods = {}): Struct {
  const sorted = Object.entries(fields).sort(([a], [b]) => compareText(a, b));
  return new Struct(
    sorted.map(([name, value]) => ({ name, value })),
    true,
    methods,
  );
}

/** What a row has in each column, from what the row is of. */
type Columns<T> = ReadonlyMap<string, (of: T) => Value>;

/**
 * Makes rows as {@link structOf} does, of which each field is worked out when it is asked for: a table shows few of them.
 *
 * @param unlisted fields that a template can name, and that are not there where all are told, as in JSON
 */
export function rowMaker<T>(
  columns: Readonly<Record<string, (of: T) => Value>>,
  unlisted: Readonly<Record<string, (of: T) => Value>> = {},
): (of: T, methods?: Methods) => Struct {
  const sorted = new Map(Object.entries(columns).sort(([a], [b]) => compareText(a, b)));
  const named = new Map([...sorted, ...Object.entries(unlisted)]);
  return (of, methods) => new Row({ listed: sorted, named }, of, methods);
}

/** There are thousands of them: each has as little of its own as there can be. */
class Row<T> extends Struct {
  readonly #columns: { readonly listed: Columns<T>; readonly named: Columns<T> };
  readonly #of: T;

  constructor(
    columns: { readonly listed: Columns<T>; readonly named: Columns<T> },
    of: T,
    methods: Methods | undefined,
  ) {
    super([], true, methods);
    this.#columns = columns;
    this.#of = of;
  }

  override get fields(): readonly StructField[] {
    return Array.from(this.#columns.listed, ([name, column]) => ({ name, value: column(this.#of) }));
  }

  override get(name: string): Value | undefined {
    return this.#columns.named.get(name)?.(this.#of);
  }
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

/** Go's order of strings: by the bytes of UTF-8, which is that of code points. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const [left, right] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Code units of characters beyond U+FFFF come after all others, although their numbers are smaller than some. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
