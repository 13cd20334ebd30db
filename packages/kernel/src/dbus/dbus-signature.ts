import { OrlopError } from "@orlop/core";

/** Basic types, with the size and alignment of their fixed part (D-Bus specification, "Marshaling"). */
const DBUS_BASIC_TYPES = {
  y: { name: "BYTE", alignment: 1 },
  b: { name: "BOOLEAN", alignment: 4 },
  n: { name: "INT16", alignment: 2 },
  q: { name: "UINT16", alignment: 2 },
  i: { name: "INT32", alignment: 4 },
  u: { name: "UINT32", alignment: 4 },
  x: { name: "INT64", alignment: 8 },
  t: { name: "UINT64", alignment: 8 },
  d: { name: "DOUBLE", alignment: 8 },
  s: { name: "STRING", alignment: 4 },
  o: { name: "OBJECT_PATH", alignment: 4 },
  g: { name: "SIGNATURE", alignment: 1 },
  h: { name: "UNIX_FD", alignment: 4 },
} as const;
export type DBusBasicCode = keyof typeof DBUS_BASIC_TYPES;

/** A single complete type. */
export type DBusType =
  | { readonly kind: "basic"; readonly code: DBusBasicCode }
  | { readonly kind: "variant" }
  | { readonly kind: "array"; readonly element: DBusType }
  | { readonly kind: "struct"; readonly fields: readonly DBusType[] }
  /** Only as the element of an array. */
  | { readonly kind: "entry"; readonly key: DBusType; readonly value: DBusType };

/** Limits of the specification. */
const DBUS_SIGNATURE_LENGTH_MAX = 255;
const ARRAY_DEPTH_MAX = 32;
const STRUCT_DEPTH_MAX = 32;

/** The complete types of a signature, one after the other. Throws OrlopError("invalid") on what is none. */
export function parseDBusSignature(signature: string): DBusType[] {
  if (signature.length > DBUS_SIGNATURE_LENGTH_MAX) {
    throw invalid(signature, `it is longer than ${DBUS_SIGNATURE_LENGTH_MAX} bytes`);
  }
  const types: DBusType[] = [];
  for (let at = 0; at < signature.length; ) {
    const [type, next] = parseType(signature, at, 0, 0);
    types.push(type);
    at = next;
  }
  return types;
}

/** The one complete type that a variant holds. */
export function parseDBusType(signature: string): DBusType {
  const [type, ...rest] = parseDBusSignature(signature);
  if (type === undefined || rest.length > 0) throw invalid(signature, "it is not exactly one complete type");
  return type;
}

export function dbusAlignment(type: DBusType): number {
  switch (type.kind) {
    case "basic":
      return DBUS_BASIC_TYPES[type.code].alignment;
    case "variant":
      return 1;
    case "array":
      return 4;
    default:
      return 8;
  }
}

function parseType(signature: string, at: number, arrays: number, structs: number): [DBusType, number] {
  const code = signature[at];
  if (code === undefined) throw invalid(signature, "it ends where a type should stand");
  if (arrays > ARRAY_DEPTH_MAX || structs > STRUCT_DEPTH_MAX) throw invalid(signature, "it is nested too deep");
  if (Object.hasOwn(DBUS_BASIC_TYPES, code)) return [{ kind: "basic", code: code as DBusBasicCode }, at + 1];
  if (code === "v") return [{ kind: "variant" }, at + 1];
  if (code === "(") return parseStruct(signature, at + 1, arrays, structs + 1);
  if (code !== "a") throw invalid(signature, `"${code}" is not a type`);
  if (signature[at + 1] === "{") return parseDictionary(signature, at + 2, arrays + 1, structs + 1);
  const [element, next] = parseType(signature, at + 1, arrays + 1, structs);
  return [{ kind: "array", element }, next];
}

function parseStruct(signature: string, from: number, arrays: number, structs: number): [DBusType, number] {
  const fields: DBusType[] = [];
  let at = from;
  while (signature[at] !== ")") {
    const [field, next] = parseType(signature, at, arrays, structs);
    fields.push(field);
    at = next;
  }
  if (fields.length === 0) throw invalid(signature, "it has an empty structure");
  return [{ kind: "struct", fields }, at + 1];
}

function parseDictionary(signature: string, from: number, arrays: number, structs: number): [DBusType, number] {
  const [key, afterKey] = parseType(signature, from, arrays, structs);
  if (key.kind !== "basic") throw invalid(signature, "a dictionary's key is a basic type");
  const [value, afterValue] = parseType(signature, afterKey, arrays, structs);
  if (signature[afterValue] !== "}") throw invalid(signature, "a dictionary's entry is one key and one value");
  return [{ kind: "array", element: { kind: "entry", key, value } }, afterValue + 1];
}

function invalid(signature: string, what: string): OrlopError {
  return new OrlopError("invalid", `Cannot use D-Bus signature ${JSON.stringify(signature)}: ${what}`, {
    operation: "D-Bus",
  });
}
