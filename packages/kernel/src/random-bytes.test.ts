import assert from "node:assert/strict";
import { test } from "node:test";
import { randomBytes } from "./random-bytes.ts";

test("gives as many random bytes as are asked for, and others each time", () => {
  for (const length of [1, 16, 32, 1000]) assert.equal(randomBytes(length).length, length);
  const seen = new Set(Array.from({ length: 100 }, () => randomBytes(16).toString("hex")));
  assert.equal(seen.size, 100);
});
