import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { sha256Hex } from "./sha256-hex.ts";

const others = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test("hashes as node:crypto does, whatever the length", () => {
  const bytes = Buffer.from(Array.from({ length: 20_000 }, (_, index) => (index * 151) ^ (index >> 5)));
  const lengths = [...Array.from({ length: 200 }, (_, length) => length), 4095, 8191, 8192, 8193, 20_000];
  for (const length of lengths) assert.equal(sha256Hex(bytes.subarray(0, length)), others(bytes.subarray(0, length)));
});

test("hashes a text as its bytes in UTF-8", () => {
  assert.equal(sha256Hex("å\u{1f40b}"), others(Buffer.from("å\u{1f40b}")));
});
