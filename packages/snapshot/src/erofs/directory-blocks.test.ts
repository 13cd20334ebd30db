import assert from "node:assert/strict";
import { test } from "node:test";
import { sortedNames, splitIntoBlocks } from "./directory-blocks.ts";

const byBytes = (names: readonly string[]): readonly string[] =>
  names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

test("sorts names by their bytes, also those that strings sort otherwise", () => {
  for (const names of [
    ["b", "a", "B", "!", "-", "..x", "a.b", "ab", "\u00e9", "\uffee"],
    ["\u{1f4a9}", "\uffee", "a", "\u{10000}", "\ue000"],
  ]) {
    assert.deepEqual(sortedNames(names), byBytes([".", "..", ...names]));
  }
  assert.notDeepEqual(["\u{1f4a9}", "\uffee"].toSorted(), byBytes(["\u{1f4a9}", "\uffee"]));
});

test("splits names into blocks none of which holds more than a block", () => {
  const names = sortedNames(Array.from({ length: 300 }, (_, index) => `${"\u00e9".repeat(index % 100)}${index}`));
  const blocks = splitIntoBlocks(names, 4096);
  assert.ok(blocks.length > 1);
  assert.deepEqual(
    blocks.flatMap(({ from, to }) => names.slice(from, to)),
    names,
  );
  for (const { from, to, bytes } of blocks) {
    const needed = names.slice(from, to).reduce((sum, name) => sum + 12 + Buffer.byteLength(name), 0);
    assert.equal(bytes, needed);
    assert.ok(bytes <= 4096);
  }
});
