import assert from "node:assert/strict";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { parseGVariantText } from "./gvariant-text.ts";

for (const [text, signature, value] of [
  ["true", "b", true],
  ["-5", "i", -5],
  ["0x10", "i", 16],
  ["uint64 18446744073709551615", "t", 18_446_744_073_709_551_615n],
  ["@t 5", "t", 5n],
  ["int64 -5", "x", -5n],
  ["byte 0xff", "y", 255],
  ["1.5", "d", 1.5],
  ["double 2", "d", 2],
  ["'it\\'s'", "s", "it's"],
  ['"two\\nlines"', "s", "two\nlines"],
  ["objectpath '/a/b'", "o", "/a/b"],
  ["[1, 2]", "ai", [1, 2]],
  ["[uint32 1, 2]", "au", [1, 2]],
  ["@as []", "as", []],
  ["[['a'], ['b', 'c']]", "aas", [["a"], ["b", "c"]]],
  ["@ay [1, 2]", "ay", Uint8Array.of(1, 2)],
  ["  'spaced'  ", "s", "spaced"],
] as const) {
  test(`reads ${text}`, () => {
    assert.deepEqual(parseGVariantText(text), { signature, value });
  });
}

for (const text of [
  "",
  "word",
  "'open",
  "[1",
  "[1 2]",
  "[]",
  "[1, 'a']",
  "uint64 -1",
  "byte 256",
  "objectpath 'no'",
  "number 5",
  "1 2",
  "@as 5",
  "@i [1]",
  "2147483648",
  "{'a': 1}",
  "x".repeat(70_000),
]) {
  test(`refuses ${text.slice(0, 20)}`, () => {
    assert.throws(
      () => parseGVariantText(text),
      (error) => error instanceof OrlopError && error.code === "invalid",
    );
  });
}
