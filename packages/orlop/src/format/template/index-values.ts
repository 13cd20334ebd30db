import { TemplateFault } from "./template-fault.ts";
import { type FunctionTable, integerArgument, textArgument } from "./template-function.ts";
import { Dictionary, isList, typeName, type Value } from "./value.ts";

/** Go's `index`, `slice` and `len`; texts are taken as bytes of UTF-8. */
export const INDEXING: FunctionTable = new Map([
  ["index", { least: 1, call: (value, ...keys) => keys.reduce<Value>(element, value ?? null) }],
  ["slice", { least: 1, most: 4, call: (value, ...bounds) => slice(value ?? null, bounds.map(integerArgument)) }],
  ["len", { least: 1, most: 1, call: (value) => length(value ?? null) }],
]);

function element(value: Value, key: Value): Value {
  if (value instanceof Dictionary) return value.entries.get(textArgument(key)) ?? value.zero;
  if (typeof value === "string") return Buffer.from(value)[place(key, Buffer.byteLength(value))] ?? null;
  if (isList(value)) return value[place(key, value.length)] ?? null;
  throw new TemplateFault(value === null ? "index of untyped nil" : `can't index item of type ${typeName(value)}`);
}

function place(key: Value, length: number): number {
  if (typeof key !== "number" && typeof key !== "bigint") {
    throw new TemplateFault(`cannot index slice/array with ${key === null ? "nil" : `type ${typeName(key)}`}`);
  }
  const index = integerArgument(key);
  if (index >= 0 && index < length) return index;
  throw new TemplateFault(`index out of range: ${index}`);
}

function slice(value: Value, bounds: readonly number[]): Value {
  const sliceable = typeof value === "string" ? Buffer.from(value) : value;
  if (sliceable === null) throw new TemplateFault("slice of untyped nil");
  if (!Buffer.isBuffer(sliceable) && !isList(sliceable)) {
    throw new TemplateFault(`can't slice item of type ${typeName(sliceable)}`);
  }
  if (bounds.length === 3 && Buffer.isBuffer(sliceable)) throw new TemplateFault("cannot 3-index slice a string");
  const [from = 0, to = sliceable.length, capacity = sliceable.length] = bounds;
  for (const bound of [from, to, capacity]) {
    if (bound < 0 || bound > sliceable.length) throw new TemplateFault(`index out of range: ${bound}`);
  }
  if (from > to) throw new TemplateFault(`invalid slice index: ${from} > ${to}`);
  if (to > capacity) throw new TemplateFault(`invalid slice index: ${to} > ${capacity}`);
  return Buffer.isBuffer(sliceable) ? sliceable.subarray(from, to).toString() : sliceable.slice(from, to);
}

function length(value: Value): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (isList(value)) return value.length;
  if (value instanceof Dictionary) return value.entries.size;
  throw new TemplateFault(value === null ? "len of nil pointer" : `len of type ${typeName(value)}`);
}
