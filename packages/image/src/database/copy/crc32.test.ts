import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 as zlibCrc32 } from "node:zlib";
import { crc32 } from "./crc32.ts";

test("checksums are those of zlib", () => {
  assert.equal(crc32(Buffer.from("123456789")), 0xcbf4_3926);
  const bytes = Buffer.from(Array.from({ length: 1024 }, (_, index) => (index * 131 + (index >> 3)) & 0xff));
  for (const length of [0, 1, 2, 3, 255, 256, 1024]) {
    assert.equal(crc32(bytes.subarray(0, length)), zlibCrc32(bytes.subarray(0, length)));
  }
});
