import assert from "node:assert/strict";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { Codec } from "./codec.ts";
import { alignmentBytes } from "./limits.ts";

// The attribute layer of linux/netlink.h: struct nlattr { __u16 nla_len; __u16 nla_type; }, payload, padding to four.

/** Set on an attribute that holds attributes. rtnetlink's older ones go without it, and the kernel accepts both. */
export const NLA_F_NESTED = 0x8000;
/** Set on a payload in network order by families that mix both. Here each attribute's codec knows its order. */
const NLA_F_NET_BYTEORDER = 0x4000;
const TYPE_MASK = 0xffff & ~(NLA_F_NESTED | NLA_F_NET_BYTEORDER);
const HEADER_BYTES = 4;

/** One row of an attribute table. */
interface Attribute<T> {
  /** The kernel's name: `IFLA_MTU`. */
  readonly kernel: string;
  /** Its number, without flag bits. */
  readonly type: number;
  write(value: T, to: ByteWriter): void;
  /** `previous` is what earlier attributes of the same type gave; a plain attribute replaces it, as the kernel does. */
  read(from: ByteReader, previous: T | undefined): T;
}

/** The rows of a table, keyed by our names for the attributes. */
export type AttributeRows<T extends object> = { readonly [K in keyof T]-?: Attribute<Exclude<T[K], undefined>> };

export function attribute<T>(kernel: string, type: number, codec: Codec<T>, flags = 0): Attribute<T> {
  return {
    kernel,
    type,
    write: (value, to) => to.attribute(kernel, type | flags, () => codec.write(value, to)),
    read: (from) => codec.read(from),
  };
}

/** An attribute with the nested flag. */
export function nested<T>(kernel: string, type: number, codec: Codec<T>): Attribute<T> {
  return attribute(kernel, type, codec, NLA_F_NESTED);
}

/** An attribute that may come several times; the value is the array of all. */
export function repeated<T>(kernel: string, type: number, codec: Codec<T>): Attribute<readonly T[]> {
  return {
    kernel,
    type,
    write(values, to) {
      for (const value of values) to.attribute(kernel, type, () => codec.write(value, to));
    },
    read(from, previous) {
      const values = (previous ?? []) as T[];
      values.push(codec.read(from));
      return values;
    },
  };
}

/** The attributes in `from` after `start`: types without flag bits, and payloads. */
export function* readAttributes(
  from: ByteReader,
  start: number,
  nameOf: (type: number) => string,
): Generator<[number, ByteReader]> {
  let at = start;
  while (at + HEADER_BYTES <= from.length) {
    const length = from.view.getUint16(at, true);
    const type = from.view.getUint16(at + 2, true) & TYPE_MASK;
    if (length < HEADER_BYTES || at + length > from.length) {
      from.fail(`attribute ${nameOf(type)} at ${at} says that it has ${length} bytes of ${from.length - at}`);
    }
    yield [type, from.inner(nameOf(type), at + HEADER_BYTES, at + length)];
    at += Math.ceil(length / alignmentBytes) * alignmentBytes;
  }
  if (at < from.length) from.fail(`${from.length - at} bytes stand after the last attribute`);
}

/**
 * The attributes of one nest or message. Written in the order of the value's keys, because a few interfaces and every
 * golden test depend on order. Attributes that the table does not know are passed over when read: kernels add some
 * with every release.
 */
export class AttributeTable<T extends object> implements Codec<T> {
  readonly header: string;
  readonly rows: AttributeRows<T>;
  readonly #byType = new Map<number, [keyof T & string, Attribute<unknown>]>();

  /** `header` is the file below /usr/include that defines the names. */
  constructor(header: string, rows: AttributeRows<T>) {
    this.header = header;
    this.rows = rows;
    for (const key of Object.keys(rows) as (keyof T & string)[]) {
      const row = rows[key] as Attribute<unknown>;
      assert.ok(!this.#byType.has(row.type), `${row.kernel}: type ${row.type} is in the table twice`);
      this.#byType.set(row.type, [key, row]);
    }
  }

  write(value: T, to: ByteWriter): void {
    for (const key of Object.keys(value) as (keyof T & string)[]) {
      const given = value[key];
      if (given === undefined) continue;
      const row = Object.hasOwn(this.rows, key) ? (this.rows[key] as Attribute<unknown>) : undefined;
      if (row === undefined) to.fail(`it has no attribute called "${key}"`);
      row.write(given, to);
    }
  }

  read(from: ByteReader): T {
    return this.readAfter(from, 0);
  }

  /** Reads the attributes that follow the first `start` bytes. */
  readAfter(from: ByteReader, start: number): T {
    const result: Record<string, unknown> = {};
    const nameOf = (type: number): string => this.#byType.get(type)?.[1].kernel ?? `type ${type}`;
    for (const [type, payload] of readAttributes(from, start, nameOf)) {
      const known = this.#byType.get(type);
      if (known === undefined) continue;
      const [key, row] = known;
      result[key] = row.read(payload, result[key]);
    }
    return result as T;
  }
}

/** A nest of attributes that all have one type: an array. Other types in it are passed over. */
export function listOf<T>(kernel: string, type: number, codec: Codec<T>, flags = 0): Codec<readonly T[]> {
  return list(kernel, type, flags, codec, (found) => found === type);
}

/** Like `listOf`, but reads every type: some programs number the elements, and the kernel looks at none of them. */
export function listOfAnyType<T>(kernel: string, type: number, codec: Codec<T>, flags = 0): Codec<readonly T[]> {
  return list(kernel, type, flags, codec, () => true);
}

function list<T>(
  kernel: string,
  type: number,
  flags: number,
  codec: Codec<T>,
  takes: (type: number) => boolean,
): Codec<readonly T[]> {
  return {
    write(values, to) {
      for (const value of values) to.attribute(kernel, type | flags, () => codec.write(value, to));
    },
    read(from) {
      const values: T[] = [];
      const nameOf = (found: number): string => (takes(found) ? kernel : `type ${found}`);
      for (const [found, payload] of readAttributes(from, 0, nameOf)) {
        if (takes(found)) values.push(codec.read(payload));
      }
      return values;
    },
  };
}
