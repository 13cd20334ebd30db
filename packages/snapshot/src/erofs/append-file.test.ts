import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "@orlop/testkit";
import { AppendFile } from "./append-file.ts";

const KILOBYTE = 1024;
/** More than is kept of a file that is read. */
const SIZE = 5000 * KILOBYTE;

test("gives what was appended, in any order, also beyond what it keeps in memory", () => {
  using directory = temporaryDirectory("append-file-");
  using file = new AppendFile(join(directory.path, "file"));
  const content = Buffer.alloc(SIZE);
  for (let at = 0; at < SIZE; at += 4) content.writeUInt32LE(at, at);
  for (let at = 0; at < SIZE; at += 300 * KILOBYTE) file.append(content.subarray(at, at + 300 * KILOBYTE));
  assert.equal(file.size, SIZE);
  // Across the borders of what is read at once, towards both ends, and longer than it.
  for (let at = 0; at + 1500 <= SIZE; at += 37 * KILOBYTE + 1) {
    for (const place of [at, SIZE - 1500 - at]) {
      assert.deepEqual(file.read(place, 1500), content.subarray(place, place + 1500));
    }
  }
  assert.deepEqual(file.read(1, 200 * KILOBYTE), content.subarray(1, 1 + 200 * KILOBYTE));
  assert.throws(() => file.read(SIZE - 1, 2), RangeError);
});

test("gives what was appended or written over after it was read", () => {
  using directory = temporaryDirectory("append-file-");
  using file = new AppendFile(join(directory.path, "file"));
  file.append(Buffer.from("one"));
  assert.equal(String(file.read(0, 3)), "one");
  file.append(Buffer.from("two"));
  assert.equal(String(file.read(2, 4)), "etwo");
  file.overwrite(Buffer.from("On"), 0);
  assert.equal(String(file.read(0, 6)), "Onetwo");
});
