import assert from "node:assert/strict";
import type { Immediate, Pointer } from "./instruction.ts";

/** Width of a field: an unsigned or signed integer, a pointer, or so many raw bytes. */
type FieldType = "u8" | "u16" | "u32" | "u64" | "s32" | "s64" | "pointer" | number;

const WIDTHS = { u8: 1, u16: 2, u32: 4, u64: 8, s32: 4, s64: 8, pointer: 8 } as const;

/** A kernel structure as a table: where each field lies, and the header that says so. */
export interface StructLayout<Field extends string = string> {
  readonly name: string;
  readonly size: number;
  readonly fields: Readonly<Record<Field, { readonly type: FieldType; readonly offset: number }>>;
}

export type FieldValue = number | bigint | Immediate | Pointer | Uint8Array;

export function fieldWidth(type: FieldType): number {
  return typeof type === "number" ? type : WIDTHS[type];
}

/**
 * Declares a structure; fields are laid out in the given order with the C alignment rules, and the result
 * must come to `size` bytes, the size that the named header gives it.
 */
export function structLayout<Field extends string>(
  name: string,
  size: number,
  types: Readonly<Record<Field, FieldType>>,
): StructLayout<Field> {
  const fields: Record<string, { type: FieldType; offset: number }> = {};
  let offset = 0;
  let alignment = 1;
  for (const [field, type] of Object.entries<FieldType>(types)) {
    const width = fieldWidth(type);
    const align = typeof type === "number" ? 1 : width;
    alignment = Math.max(alignment, align);
    offset = Math.ceil(offset / align) * align;
    fields[field] = { type, offset };
    offset += width;
  }
  assert.equal(Math.ceil(offset / alignment) * alignment, size, `struct ${name} does not add up`);
  return { name, size, fields: fields as StructLayout<Field>["fields"] };
}
