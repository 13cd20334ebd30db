import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldWidth, structLayout } from "./struct-layout.ts";

test("lays fields out as a C compiler does", () => {
  const layout = structLayout("sample", 48, {
    byte: "u8",
    half: "u16",
    word: "s32",
    odd: "u8",
    long: "u64",
    name: 5,
    address: "pointer",
    last: "u32",
  });
  const offsets = Object.entries(layout.fields).map(([name, { offset }]) => [name, offset]);
  assert.deepEqual(offsets, [
    ["byte", 0],
    ["half", 2],
    ["word", 4],
    ["odd", 8],
    ["long", 16],
    ["name", 24],
    ["address", 32],
    ["last", 40],
  ]);
});

test("pads the end to the widest field", () => {
  assert.equal(structLayout("padded", 16, { long: "u64", byte: "u8" }).size, 16);
  assert.equal(structLayout("narrow", 3, { bytes: 2, byte: "u8" }).size, 3);
});

test("refuses a table that does not come to the size that the header gives", () => {
  assert.throws(() => structLayout("short", 24, { long: "u64", byte: "u8" }), /struct short does not add up/);
});

test("knows the width of every type", () => {
  const widths = (["u8", "u16", "u32", "s32", "u64", "s64", "pointer", 7] as const).map(fieldWidth);
  assert.deepEqual(widths, [1, 2, 4, 4, 8, 8, 8, 7]);
});
