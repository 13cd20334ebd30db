import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { FixedCodec } from "./codec.ts";

/** A kernel enumeration: its names and their numbers. */
export type NameTable = Readonly<Record<string, number>>;

/** A name of the table, or the number itself where the kernel knows one that the table does not. */
export type Choice<T extends NameTable> = (keyof T & string) | number;

/** Names of single bits; a bit without a name stands as hexadecimal text, so that nothing is lost. */
export type FlagNames<T extends NameTable> = readonly ((keyof T & string) | `0x${string}`)[];

/** A number shown by its name. */
export function choice<T extends NameTable>(base: FixedCodec<number>, table: T): FixedCodec<Choice<T>> {
  const names = new Map<number, string>(Object.entries(table).map(([name, number]) => [number, name]));
  return {
    size: base.size,
    write(value: Choice<T>, to: ByteWriter): void {
      const number = typeof value === "number" ? value : Object.hasOwn(table, value) ? table[value] : undefined;
      if (number === undefined) to.fail(`"${value}" is not one of ${Object.keys(table).join(", ")}`);
      base.write(number, to);
    },
    read(from: ByteReader): Choice<T> {
      const number = base.read(from);
      return (names.get(number) as (keyof T & string) | undefined) ?? number;
    },
  };
}

/** A bit mask shown as the names of its bits, lowest first. */
export function flagNames<T extends NameTable>(base: FixedCodec<number>, table: T): FixedCodec<FlagNames<T>> {
  const names = new Map<number, string>(Object.entries(table).map(([name, bit]) => [bit, name]));
  return {
    size: base.size,
    write(value: FlagNames<T>, to: ByteWriter): void {
      let mask = 0;
      for (const name of value) {
        const bit = Object.hasOwn(table, name) ? table[name] : unnamedBits(name);
        if (bit === undefined) to.fail(`"${name}" is not one of ${Object.keys(table).join(", ")}`);
        mask = (mask | bit) >>> 0;
      }
      base.write(mask, to);
    },
    read(from: ByteReader): FlagNames<T> {
      const mask = base.read(from);
      const found: string[] = [];
      for (let position = 0; position < 8 * base.size; position++) {
        const bit = (1 << position) >>> 0;
        if ((mask & bit) !== 0) found.push(names.get(bit) ?? `0x${bit.toString(16)}`);
      }
      return found as unknown as FlagNames<T>;
    },
  };
}

function unnamedBits(text: string): number | undefined {
  return /^0x[0-9a-f]{1,8}$/.test(text) ? Number.parseInt(text, 16) : undefined;
}
