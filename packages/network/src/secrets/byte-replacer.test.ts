import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, test } from "node:test";
import { ByteReplacer, replacement } from "./byte-replacer.ts";

const REPLACEMENTS = [replacement("abab", "<1>"), replacement("abc", "<2>"), replacement("abcde", "<3>")];

async function replaced(...chunks: readonly string[]): Promise<string> {
  const from = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  return (await buffer(from.pipe(new ByteReplacer(REPLACEMENTS)))).toString();
}

describe("a replacer of bytes", () => {
  test("replaces what it looks for wherever the stream is cut", async () => {
    const text = "xababab abcd abcde abc aab abcdabcde ab abcd";
    const expected = "x<1>ab <2>d <3> <2> aab <2>d<3> ab <2>d";
    assert.equal(await replaced(text), expected);
    assert.equal(await replaced(...text), expected);
    for (let at = 0; at <= text.length; at++) {
      for (let next = at; next <= text.length; next += 3) {
        assert.equal(await replaced(text.slice(0, at), text.slice(at, next), text.slice(next)), expected);
      }
    }
  });

  test("holds back only what may be a beginning", () => {
    const replacer = new ByteReplacer(REPLACEMENTS);
    const read = (): string => String(replacer.read() ?? "");
    replacer.write("data: 1\n\n");
    assert.equal(read(), "data: 1\n\n");
    replacer.write("xab");
    assert.equal(read(), "x");
    replacer.write("x");
    assert.equal(read(), "abx");
  });

  test("passes on everything where it looks for nothing", async () => {
    const chunks = [Buffer.from([0, 255]), Buffer.alloc(0), Buffer.from("a")];
    const passed = await buffer(Readable.from(chunks).pipe(new ByteReplacer([])));
    assert.deepEqual(passed, Buffer.concat(chunks));
  });
});
