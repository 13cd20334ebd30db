import assert from "node:assert/strict";
import { test } from "node:test";
import { randomBytes } from "./random-bytes.ts";

test("gives as many random bytes as are asked for, and others each time", () => {
  for (const length of [1, 16, 32, 1000]) assert.equal(randomBytes(length).length, length);
  const seen = new Set(Array.from({ length: 100 }, () => randomBytes(16).toString("hex")));
  assert.equal(seen.size, 100);
  const pairs = Array.from({ length: 300 }, (_, index) => randomBytes((index % 255) + 1)).filter(
    ({ length }) => length > 7,
  );
  assert.equal(new Set(pairs.map((bytes) => bytes.toString("hex", 0, 8))).size, pairs.length);
});
