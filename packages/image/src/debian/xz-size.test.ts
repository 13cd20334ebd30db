import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { test } from "node:test";
import { xzSize } from "./xz-size.ts";

/** `printf 'hello\n' | xz` */
const HELLO = Buffer.from(
  "/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAFaGVsbG8KAAAApWCX8ZT2/eAAAR4GwS+kHR+2830BAAAAAARZWg==",
  "base64",
);

test("knows the size of what xz has compressed, in one block or in many", (context) => {
  assert.equal(xzSize(HELLO), 6);
  if (spawnSync("xz", ["--version"]).error !== undefined) return context.skip("there is no xz");
  const input = Buffer.alloc(300_001, "some text ");
  assert.equal(xzSize(execFileSync("xz", ["-c"], { input })), input.length);
  assert.equal(xzSize(execFileSync("xz", ["-c", "--block-size=65536"], { input })), input.length);
  assert.equal(xzSize(execFileSync("xz", ["-c"], { input: "" })), 0);
});

test("knows it of nothing else", () => {
  const changed = (offset: number, value: number): Buffer => {
    const copy = Buffer.from(HELLO);
    copy[offset] = value;
    return copy;
  };
  for (const content of [
    Buffer.alloc(0),
    Buffer.alloc(100),
    HELLO.subarray(1),
    HELLO.subarray(0, -1),
    Buffer.concat([HELLO, HELLO]),
    Buffer.concat([HELLO, Buffer.alloc(4)]),
    changed(HELLO.length - 5, 0xff),
    changed(HELLO.length - 8, 9),
  ]) {
    assert.equal(xzSize(content), undefined);
  }
});
