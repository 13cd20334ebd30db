import { OrlopError } from "../errors.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/** What a scalar holds, by the names of the protobuf language; 64-bit integers are bigints. */
interface Scalars {
  readonly string: string;
  readonly bytes: Uint8Array;
  readonly bool: boolean;
  readonly uint32: number;
  readonly int32: number;
  readonly uint64: bigint;
  readonly int64: bigint;
  readonly double: number;
}
type Scalar = keyof Scalars;

/**
 * Messages as tables: by the message's name its fields, and by the field's name its number and what it holds. That is a
 * scalar, the name of a message of the same schema, either of them with `[]` behind it where it is repeated, or `map`, from
 * strings to strings. The order of the rows is the order on the wire.
 */
export type Schema = Readonly<Record<string, Readonly<Record<string, readonly [number: number, type: string]>>>>;

type One<S extends Schema, Type> = Type extends Scalar
  ? Scalars[Type]
  : Type extends keyof S & string
    ? Decoded<S, Type>
    : never;

type DecodedValue<S extends Schema, Type> = Type extends "map"
  ? Readonly<Record<string, string>>
  : Type extends `${infer Of}[]`
    ? readonly One<S, Of>[]
    : Type extends Scalar
      ? Scalars[Type]
      : One<S, Type> | undefined;

/** A decoded message: every field is there, with proto3's default where the wire had none. */
export type Decoded<S extends Schema, Name extends keyof S> = {
  readonly [Field in keyof S[Name]]: DecodedValue<S, S[Name][Field][1]>;
};

type OneEncodable<S extends Schema, Type> = Type extends Scalar
  ? Scalars[Type]
  : Type extends keyof S & string
    ? Encodable<S, Type>
    : never;

type EncodableValue<S extends Schema, Type> = Type extends "map"
  ? Readonly<Record<string, string>>
  : Type extends `${infer Of}[]`
    ? readonly OneEncodable<S, Of>[]
    : OneEncodable<S, Type>;

/** What is encoded: a field that is left out has its default. */
export type Encodable<S extends Schema, Name extends keyof S> = {
  readonly [Field in keyof S[Name]]?: EncodableValue<S, S[Name][Field][1]> | undefined;
};

/** Messages inside each other; ours need four. */
const DEPTH_MAX = 32;
/** Fields of one message, each entry of a repeated one counted. */
const ENTRIES_MAX = 65_536;

interface Field {
  readonly name: string;
  readonly number: number;
  readonly kind: "single" | "repeated" | "map";
  /** A scalar, or the name of a message. */
  readonly type: string;
}

/** One message's table, as it is read. */
interface Table {
  readonly name: string;
  readonly fields: readonly Field[];
  readonly byNumber: ReadonlyMap<number, Field>;
}

type AnyMessage = Readonly<Record<string, unknown>>;

/**
 * Encodes and decodes the messages of a schema (proto3, binary). Unknown fields are skipped, as protobuf demands; of a field
 * that comes twice the last value counts, without the merge of embedded messages, which no sender of ours makes use of.
 */
export class Codec<S extends Schema> {
  readonly #tables: ReadonlyMap<string, Table>;

  constructor(schema: S) {
    this.#tables = new Map(
      [...Object.entries(schema), ["map", MAP_ENTRY] as const].map(([name, rows]) => [name, tableOf(name, rows)]),
    );
  }

  encode<Name extends keyof S & string>(name: Name, value: Encodable<S, Name>): Buffer {
    return this.#encode(this.#table(name), value as AnyMessage);
  }

  /** Throws `invalid` for bytes that are no such message. */
  decode<Name extends keyof S & string>(name: Name, bytes: Uint8Array): Decoded<S, Name> {
    return this.#decode(this.#table(name), bytes, 0) as Decoded<S, Name>;
  }

  #table(name: string): Table {
    const table = this.#tables.get(name);
    if (table === undefined) throw new OrlopError("internal", `Cannot find message "${name}": the schema has none`);
    return table;
  }

  #encode({ fields }: Table, value: AnyMessage): Buffer {
    const writer = new WireWriter();
    for (const field of fields) {
      const given = value[field.name];
      if (given === undefined) continue;
      if (field.kind === "single" && !isDefault(field.type, given)) this.#write(writer, field, given);
      if (field.kind === "repeated") for (const each of given as readonly unknown[]) this.#write(writer, field, each);
      if (field.kind === "map") {
        for (const [key, each] of Object.entries(given as object)) this.#write(writer, field, { key, value: each });
      }
    }
    return writer.bytes();
  }

  #write(writer: WireWriter, { number, type }: Field, value: unknown): void {
    if (type === "string") writer.bytesField(number, Buffer.from(value as string));
    else if (type === "bytes") writer.bytesField(number, value as Uint8Array);
    else if (type === "double") writer.doubleField(number, value as number);
    else if (isScalar(type)) writer.varintField(number, BigInt(value as number | bigint | boolean));
    else writer.bytesField(number, this.#encode(this.#table(type), value as AnyMessage));
  }

  #decode(table: Table, bytes: Uint8Array, depth: number): AnyMessage {
    const damaged = (problem: string): OrlopError =>
      new OrlopError("invalid", `Cannot decode message "${table.name}": ${problem}`);
    if (depth > DEPTH_MAX) throw damaged(`it is nested deeper than DEPTH_MAX (${DEPTH_MAX})`);
    const found: Record<string, unknown> = {};
    for (const field of table.fields) found[field.name] = defaultOf(field);
    let entries = 0;
    const reader = new WireReader(bytes, damaged);
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      if (++entries > ENTRIES_MAX) throw damaged(`it has more than ENTRIES_MAX (${ENTRIES_MAX}) fields`);
      const field = table.byNumber.get(next.number);
      if (field === undefined) reader.skip(next.wire);
      else this.#read(reader, field, next.wire, found, depth);
    }
    return found;
  }

  #read(reader: WireReader, field: Field, wire: number, found: Record<string, unknown>, depth: number): void {
    const { name, kind, type } = field;
    if (kind === "single") {
      found[name] = this.#value(reader, type, wire, depth);
    } else if (kind === "map") {
      const { key, value } = this.#value(reader, type, wire, depth) as { readonly key: string; readonly value: string };
      Object.defineProperty(found[name], key, { value, enumerable: true, configurable: true });
    } else if (wire === WIRE_BYTES && isNumber(type)) {
      // Numbers of a repeated field may come packed into one.
      (found[name] as unknown[]).push(...reader.packed(ENTRIES_MAX).map((value) => narrow(type, value)));
    } else {
      (found[name] as unknown[]).push(this.#value(reader, type, wire, depth));
    }
  }

  #value(reader: WireReader, type: string, wire: number, depth: number): unknown {
    if (type === "string") return reader.string(wire);
    if (type === "bytes") return Uint8Array.from(reader.bytes(wire));
    if (type === "double") return reader.double(wire);
    if (isScalar(type)) return narrow(type, reader.varint(wire));
    return this.#decode(this.#table(type), reader.bytes(wire), depth + 1);
  }
}

const WIRE_BYTES = 2;
const MAP_ENTRY = { key: [1, "string"], value: [2, "string"] } as const;

const DEFAULTS: Scalars = {
  string: "",
  bytes: new Uint8Array(),
  bool: false,
  uint32: 0,
  int32: 0,
  uint64: 0n,
  int64: 0n,
  double: 0,
};

function tableOf(name: string, rows: Schema[string]): Table {
  const fields = Object.entries(rows).map(([field, [number, type]]): Field => {
    if (type === "map") return { name: field, number, kind: "map", type };
    const repeated = type.endsWith("[]");
    return { name: field, number, kind: repeated ? "repeated" : "single", type: repeated ? type.slice(0, -2) : type };
  });
  return { name, fields, byNumber: new Map(fields.map((field) => [field.number, field])) };
}

function isScalar(type: string): type is Scalar {
  return Object.hasOwn(DEFAULTS, type);
}

function isNumber(type: string): type is Exclude<Scalar, "string" | "bytes" | "double"> {
  return isScalar(type) && type !== "string" && type !== "bytes" && type !== "double";
}

function defaultOf({ kind, type }: Field): unknown {
  if (kind === "repeated") return [];
  if (kind === "map") return {};
  return isScalar(type) ? DEFAULTS[type] : undefined;
}

/** Proto3 leaves out what has its default. */
function isDefault(type: string, value: unknown): boolean {
  if (type === "bytes") return (value as Uint8Array).length === 0;
  return isScalar(type) && value === DEFAULTS[type];
}

function narrow(type: Scalar, value: bigint): number | bigint | boolean {
  switch (type) {
    case "bool":
      return value !== 0n;
    case "uint32":
      return Number(BigInt.asUintN(32, value));
    case "int32":
      return Number(BigInt.asIntN(32, value));
    case "int64":
      return BigInt.asIntN(64, value);
    default:
      return value;
  }
}
