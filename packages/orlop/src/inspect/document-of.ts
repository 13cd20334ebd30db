import { Dictionary, Struct, type Value } from "../format/template/value.ts";

/** A struct whose fields are called the same in JSON, in the order given. */
export function documentOf(fields: Readonly<Record<string, Value>>): Struct {
  return new Struct(Object.entries(fields).map(([name, value]) => ({ name, value })));
}

/** A map of texts. */
export function dictionaryOf(texts: Readonly<Record<string, string>>): Dictionary {
  return new Dictionary(Object.entries(texts), "");
}
