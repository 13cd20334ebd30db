import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
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

test("has other threads write what is appended, until it is settled", async () => {
  using directory = temporaryDirectory("append-file-");
  const path = join(directory.path, "file");
  using file = new AppendFile(path);
  const content = Buffer.alloc(20 * 1024 * KILOBYTE);
  for (let at = 0; at < content.length; at += 4) content.writeUInt32LE(at, at);
  const piece = 333 * KILOBYTE;
  file.writeBehind();
  for (let at = 0; at < content.length; at += piece) {
    // What is lent is gone right afterwards.
    const lent = Buffer.from(content.subarray(at, at + piece));
    file.append(lent);
    lent.fill(0);
  }
  await file.settle();
  assert.equal(file.size, content.length);
  assert.ok(readFileSync(path).equals(content));
  file.append(Buffer.from("end"));
  file.overwrite(Buffer.from("start"), 0);
  await file.sync();
  const all = readFileSync(path);
  assert.equal(String(all.subarray(0, 5)), "start");
  assert.equal(String(all.subarray(content.length)), "end");
});
