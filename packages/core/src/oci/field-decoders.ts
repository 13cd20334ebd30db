import { elementPath, FieldFailure, memberPath, show, unexpected } from "./field-failure.ts";
import type { Int64, Uint64 } from "./integers.ts";
import { JSON_LIMITS } from "./json-text.ts";

/**
 * Narrows a parsed JSON value to `T`, or throws a `FieldFailure` that begins with the path `at`.
 *
 * Decoders never change their input: where a member must differ (a `null` that means "absent"), the object that
 * holds it is copied; everything else is returned as it came, members that nobody asked about included.
 */
export type Decoder<T> = (value: unknown, at: string) => T;

interface RequiredMember<T> {
  readonly decoder: Decoder<T>;
  readonly required: true;
  /** Stands for a member that is absent; `null` is nothing that a Go program writes for a number. */
  readonly otherwise?: T;
}

interface OptionalMember<T> {
  readonly decoder: Decoder<T>;
  readonly required: false;
}

/** One entry for each member of `T`; the compiler checks that the optional ones are declared so. */
type Shape<T> = {
  readonly [K in keyof T]-?: Partial<Pick<T, K>> extends Pick<T, K>
    ? OptionalMember<Exclude<T[K], undefined>>
    : RequiredMember<T[K]>;
};

export function required<T>(decoder: Decoder<T>): RequiredMember<T> {
  return { decoder, required: true };
}

/** A member that Go programs may leave out for its zero value, and that is there once it is decoded. */
export function defaulted<T>(decoder: Decoder<T>, otherwise: T): RequiredMember<T> {
  return { decoder, required: true, otherwise };
}

/** A member that may be absent or `null`: Go programs write `null` for an empty list or map. */
export function optional<T>(decoder: Decoder<T>): OptionalMember<T> {
  return { decoder, required: false };
}

/** An object with at least the members of the shape. Other members are kept (runtime-spec, "Extensibility"). */
export function object<T extends object>(shape: Shape<T>): Decoder<T> {
  const members = Object.entries(shape) as [string, RequiredMember<unknown> | OptionalMember<unknown>][];
  const names = new Map(members.map(([name]) => [name.toLowerCase(), name]));
  return (value, at) => {
    const source = withExactNames(plainObject(value, at), names);
    let result = source;
    for (const [name, member] of members) {
      const found = source[name];
      if (member.required && member.otherwise !== undefined && found === undefined) {
        if (result === source) result = { ...source };
        result[name] = member.otherwise;
        continue;
      }
      if (found === undefined) {
        if (member.required) throw new FieldFailure(memberPath(at, name), "the member is required, and missing");
        continue;
      }
      if (found === null && !member.required) {
        result = without(result === source ? { ...source } : result, name);
        continue;
      }
      const decoded = member.decoder(found, memberPath(at, name));
      if (Object.is(decoded, found)) continue;
      if (result === source) result = { ...source };
      result[name] = decoded;
    }
    return result as T;
  };
}

/**
 * Members whose names differ in case only are the ones that are meant, as to Go's decoder, and so to runc: passed over,
 * a limit or a restriction would be lost. What is there twice is put together, and the later one counts.
 */
function withExactNames(source: Record<string, unknown>, names: ReadonlyMap<string, string>): Record<string, unknown> {
  const exactName = (key: string): string => names.get(key.toLowerCase()) ?? key;
  if (Object.keys(source).every((key) => exactName(key) === key)) return source;
  const result = new Map<string, unknown>();
  for (const [key, value] of Object.entries(source)) {
    const name = exactName(key);
    const before = result.get(name);
    result.set(name, isPlainObject(before) && isPlainObject(value) ? { ...before, ...value } : value);
  }
  return Object.fromEntries(result);
}

function without(members: Record<string, unknown>, name: string): Record<string, unknown> {
  delete members[name];
  return members;
}

function plainObject(value: unknown, at: string): Record<string, unknown> {
  if (!isPlainObject(value)) throw unexpected(at, value, "an object");
  return value;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A map from names, which `name` checks, to values. */
export function record<T>(decoder: Decoder<T>, name: Decoder<string> = anyText): Decoder<Readonly<Record<string, T>>> {
  return (value, at) => {
    const source = plainObject(value, at);
    const keys = Object.keys(source);
    limitLength(keys.length, at);
    let result = source;
    for (const key of keys) {
      const path = memberPath(at, key);
      name(key, path);
      const decoded = decoder(source[key], path);
      if (Object.is(decoded, source[key])) continue;
      if (result === source) result = { ...source };
      result[key] = decoded;
    }
    return result as Record<string, T>;
  };
}

/** A list of at least `lengthMin` entries. */
export function list<T>(decoder: Decoder<T>, lengthMin = 0): Decoder<readonly T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) throw unexpected(at, value, "a list");
    if (value.length < lengthMin) throw unexpected(at, value, `a list of at least ${lengthMin}`);
    limitLength(value.length, at);
    let result: unknown[] = value;
    for (const [index, found] of value.entries()) {
      const decoded = decoder(found, elementPath(at, index));
      if (Object.is(decoded, found)) continue;
      if (result === value) result = [...value];
      result[index] = decoded;
    }
    return result as T[];
  };
}

function limitLength(length: number, at: string): void {
  if (length <= JSON_LIMITS.listLengthMax) return;
  throw new FieldFailure(at, `found ${length} entries, listLengthMax is ${JSON_LIMITS.listLengthMax}`);
}

/** Any string. For what never reaches the kernel. */
export const anyText: Decoder<string> = (value, at) => {
  if (typeof value !== "string") throw unexpected(at, value, "a string");
  return value;
};

/**
 * A string that the kernel can be given: no NUL, which would cut it, and no lone surrogate, which would become
 * U+FFFD on its way to UTF-8.
 */
export const text: Decoder<string> = (value, at) => {
  const found = anyText(value, at);
  if (found.includes("\0")) throw unexpected(at, found, "a string without NUL");
  if (!found.isWellFormed()) throw unexpected(at, found, "well-formed Unicode");
  return found;
};

export const boolean: Decoder<boolean> = (value, at) => {
  if (typeof value !== "boolean") throw unexpected(at, value, "true or false");
  return value;
};

/** An integer from `min` to `max`, both within the safe range of a double. */
export function integer(min: number, max: number): Decoder<number> {
  return (value, at) => {
    const fits = typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
    if (!fits) throw unexpected(at, value, `an integer from ${min} to ${max}`);
    // JSON can say -0; nothing downstream should have to think of it.
    return value === 0 ? 0 : value;
  };
}

export const uint16: Decoder<number> = integer(0, 0xffff);
export const int32: Decoder<number> = integer(-0x8000_0000, 0x7fff_ffff);
export const uint32: Decoder<number> = integer(0, 0xffff_ffff);

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

/** A 64-bit integer: a `number` if that is exact, else a `bigint`. */
export function int64(min: bigint = INT64_MIN): Decoder<Int64> {
  return wideInteger(min, INT64_MAX);
}

export const uint64: Decoder<Uint64> = wideInteger(0n, UINT64_MAX);

function wideInteger(min: bigint, max: bigint): Decoder<number | bigint> {
  return (value, at) => {
    const whole = typeof value === "bigint" || Number.isSafeInteger(value);
    if (!whole || (value as number | bigint) < min || (value as number | bigint) > max) {
      throw unexpected(at, value, `an integer from ${min} to ${max}`);
    }
    const asNumber = Number(value);
    if (!Number.isSafeInteger(asNumber)) return value as bigint;
    return asNumber === 0 ? 0 : asNumber;
  };
}

/** One of a closed set of strings. */
export function oneOf<const T extends string>(values: readonly T[]): Decoder<T> {
  const allowed: ReadonlySet<unknown> = new Set(values);
  return (value, at) => {
    if (!allowed.has(value)) throw unexpected(at, value, `one of ${values.join(", ")}`);
    return value as T;
  };
}

/** What `decoder` takes, if `holds` agrees. */
export function where<T>(decoder: Decoder<T>, holds: (value: T) => boolean, expected: string): Decoder<T> {
  return (value, at) => {
    const decoded = decoder(value, at);
    if (!holds(decoded)) throw unexpected(at, decoded, expected);
    return decoded;
  };
}

/** What `decoder` takes, if `check` does not throw: for rules between members. */
export function refine<T>(decoder: Decoder<T>, check: (value: T, at: string) => void): Decoder<T> {
  return (value, at) => {
    const decoded = decoder(value, at);
    check(decoded, at);
    return decoded;
  };
}

/** A list that is required by the spec and that Go programs nevertheless write as `null` when it is empty. */
export function nullable<T>(decoder: Decoder<readonly T[]>): Decoder<readonly T[]> {
  return (value, at) => (value === null ? [] : decoder(value, at));
}

export const absolutePath: Decoder<string> = where(text, (path) => path.startsWith("/"), "an absolute path");
export const nonEmptyText: Decoder<string> = where(text, (found) => found !== "", "a string that is not empty");

/** Metadata by name (config.md, "Annotations"). Values reach hooks and logs, never the kernel. */
export const annotations: Decoder<Readonly<Record<string, string>>> = record(
  anyText,
  where(anyText, (key) => key !== "", "a name that is not empty"),
);

/** Refuses the second entry of a list with the same key. */
export function refuseDuplicates<T>(
  entries: readonly T[],
  at: string,
  member: string,
  key: (entry: T) => string,
): void {
  const seen = new Map<string, number>();
  for (const [index, entry] of entries.entries()) {
    const first = seen.get(key(entry));
    if (first !== undefined) {
      const path = memberPath(elementPath(at, index), member);
      throw new FieldFailure(path, `${show(key(entry))} is already in ${elementPath(at, first)}`);
    }
    seen.set(key(entry), index);
  }
}
