import assert from "node:assert/strict";
import { test } from "node:test";
import { FieldFailure } from "./field-failure.ts";
import { JSON_LIMITS, parseJson, parseOwnJson, stringifyJson } from "./json-text.ts";

test("reads integers that a double cannot hold as bigint", () => {
  assert.deepEqual(parseJson("[18446744073709551615, -9223372036854775808, 9007199254740991, 9007199254740992]"), [
    2n ** 64n - 1n,
    -(2n ** 63n),
    9007199254740991,
    9007199254740992n,
  ]);
});

test("reads back what it has written", () => {
  const written = { limit: 2n ** 64n - 1n, id: "1234567890123456", share: 0.5 };
  assert.deepEqual(parseOwnJson(stringifyJson(written)), written);
});

test("leaves fractions, exponents and absurdly long integers to the decoders as doubles", () => {
  assert.deepEqual(parseJson("[1.5, 1234567890123456.5, 1e30, 9.007199254740993e15, 1e400]"), [
    1.5,
    1234567890123456.5,
    1e30,
    9007199254740992,
    Number.POSITIVE_INFINITY,
  ]);
  assert.equal(parseJson("9".repeat(100_000)), Number.POSITIVE_INFINITY);
});

test("does not mistake digits in a string for an integer", () => {
  assert.deepEqual(parseJson('{"18446744073709551615": "18446744073709551615"}'), {
    "18446744073709551615": "18446744073709551615",
  });
});

test("writes bigint as plain integers", () => {
  const text = '{"a":[18446744073709551615,1,"x"],"b":null}';
  assert.equal(stringifyJson(parseJson(text)), text);
  assert.equal(stringifyJson({ a: 2n ** 64n - 1n }, 2), '{\n  "a": 18446744073709551615\n}');
});

test("keeps __proto__ a plain member", () => {
  const value = parseJson('{"__proto__": {"root": 1}, "big": 18446744073709551615}') as { root?: unknown };
  assert.equal(value.root, undefined);
  assert.deepEqual(Object.keys(value), ["__proto__", "big"]);
});

test("refuses a member that stands twice, however it is escaped", () => {
  fails(`{"a":`.repeat(100_000), `a${".a".repeat(JSON_LIMITS.nestingDepthMax - 1)}`, /nestingDepthMax/);
  fails(`{"a":`.repeat(100_000), `a${".a".repeat(JSON_LIMITS.nestingDepthMax - 1)}`, /nestingDepthMax/);
  fails('{"a\\"": 1, "a\\"": 2}', '["a\\""]', /stands twice/);
  assert.deepEqual(parseJson('[{"a": 1}, {"a": 2, "b": "a", "c": {"a": 3}}]'), [
    { a: 1 },
    { a: 2, b: "a", c: { a: 3 } },
  ]);
});

test("is not confused by brackets, commas and colons in strings", () => {
  const value = { "a:{[": ["},]\\", '":"', '\\"'], b: ["x"] };
  assert.deepEqual(parseJson(JSON.stringify(value)), value);
});

test("refuses nesting beyond the limit, and takes it at the limit", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  parseJson(nested(JSON_LIMITS.nestingDepthMax));
  fails(nested(JSON_LIMITS.nestingDepthMax + 1), "[0]".repeat(JSON_LIMITS.nestingDepthMax), /nestingDepthMax/);
  fails(`{"a":`.repeat(100_000), `a${".a".repeat(JSON_LIMITS.nestingDepthMax - 1)}`, /nestingDepthMax/);
});

test("refuses a text beyond the limit", () => {
  const text = `"${"x".repeat(JSON_LIMITS.textSizeMaxBytes - 2)}"`;
  assert.equal(parseJson(text), text.slice(1, -1));
  fails(`${text} `, "", /textSizeMaxBytes is 4194304/);
  fails(Buffer.from(`${text} `), "", /textSizeMaxBytes is 4194304/);
});

test("refuses what is not JSON in UTF-8", () => {
  for (const text of ["", "{", "[1,]", "{'a': 1}", "nul", '"\n"', "\ufeff{}", '{"a":1,"a":1', "}{", '"', '{"a']) {
    fails(text, "", /the text is not JSON/);
  }
  fails(Buffer.from([0x22, 0xff, 0x22]), "", /not valid UTF-8/);
  fails(Buffer.from("\ufeff{}"), "", /the text is not JSON/);
  assert.equal(parseJson(Buffer.from('"ä"')), "ä");
});

function fails(input: string | Uint8Array, path: string, problem: RegExp): void {
  assert.throws(
    () => parseJson(input),
    (error) => {
      assert.ok(error instanceof FieldFailure, String(error));
      assert.equal(error.path, path);
      assert.match(error.message, problem);
      return true;
    },
  );
}
