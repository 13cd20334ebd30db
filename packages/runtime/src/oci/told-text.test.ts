import assert from "node:assert/strict";
import { test } from "node:test";
import { toldText } from "./told-text.ts";

test("tells what is short and plain as it is, with the way out on a line of its own", () => {
  const message = 'Cannot mount tmpfs at "/é ✓": no\nTry "/x"';
  assert.equal(toldText(message), message);
});

test("escapes what would make up lines or move the cursor", () => {
  const value = "a\nb\r\t\0\u001b[2J\u007f\u009b1m\u2028";
  const told = 'Cannot use "a\\nb\\r\\t\\u0000\\u001b[2J\\u007f\\u009b1m\\u2028": no\nTry it';
  assert.equal(toldText(`Cannot use "${value}": no\nTry it`), told);
});

test("leaves out the middle of what is too long, and says how much that is", () => {
  const told = toldText(`Cannot use "${"x".repeat(100_000)}": it is too long`);
  assert.match(told, /^Cannot use "x+\[95\d{3} more\]x+": it is too long$/);
  assert.ok(told.length < 4200);
});
