import assert from "node:assert/strict";
import { test } from "node:test";
import { SplitChunks } from "./split-chunks.ts";

async function* chunks(texts: readonly string[], onEnd: () => void = () => {}): AsyncGenerator<Buffer> {
  try {
    for (const text of texts) yield Buffer.from(text);
  } finally {
    onEnd();
  }
}

async function text(source: AsyncGenerator<Buffer>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(source)).toString();
}

test("splits chunks wherever the parts meet", async () => {
  for (const texts of [["abc", "def"], ["abcd", "ef"], ["abcdef"], ["a", "b", "c", "def"]]) {
    const split = new SplitChunks(chunks(texts), 3);
    assert.equal(await text(split.first()), "abc");
    assert.equal(await text(split.rest()), "def");
  }
  const short = new SplitChunks(chunks(["ab"]), 3);
  assert.equal(await text(short.first()), "ab");
  assert.equal(await text(short.rest()), "");
});

test("begins the rest where it is, whatever was read of the first part, and ends the source", async () => {
  let ends = 0;
  const split = new SplitChunks(
    chunks(["a", "bc", "de", "f"], () => ends++),
    3,
  );
  for await (const chunk of split.first()) {
    assert.equal(chunk.toString(), "a");
    break;
  }
  for await (const chunk of split.rest()) {
    assert.equal(chunk.toString(), "de");
    break;
  }
  assert.equal(ends, 1);
  assert.equal(await text(split.rest()), "");
});
