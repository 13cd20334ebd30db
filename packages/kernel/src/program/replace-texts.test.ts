import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TextReplacer } from "./replace-texts.ts";

/** By a pattern, which has the same order of precedence. */
function replaceByPattern(said: string, texts: readonly string[], replacements: readonly string[]): string {
  const pattern = new RegExp(texts.map((text) => text.replaceAll(/\W/g, "\\$&")).join("|") || "$.", "g");
  return said.replace(pattern, (found) => replacements[texts.indexOf(found)] ?? found);
}

describe("texts in others", () => {
  test("are replaced, the first of two that begin at one place, and none within another", () => {
    const replacer = new TextReplacer(["/run/abc", "abc", "ab"]);
    assert.equal(
      replacer.replace("abc /run/abc/x ab.abcab", ["<path>", "<id>", "<short>"]),
      "<id> <path>/x <short>.<id><short>",
    );
    assert.equal(replacer.replace("a b c", ["1", "2", "3"]), "a b c");
    assert.equal(replacer.replace("", ["1", "2", "3"]), "");
    assert.deepEqual([replacer.isIn("xaby"), replacer.isIn("xay")], [true, false]);
  });

  test("may be none, and stay where nothing is there for them", () => {
    assert.equal(new TextReplacer([]).replace("said", []), "said");
    assert.equal(new TextReplacer([]).isIn("said"), false);
    assert.equal(new TextReplacer(["a", "i"]).replace("said", ["o"]), "soid");
  });

  test("are replaced by what has them in it once", () => {
    assert.equal(new TextReplacer(["a"]).replace("aba", ["aa"]), "aabaa");
  });

  test("are found as a pattern finds them", () => {
    const letters = (length: number): string =>
      Array.from({ length }, () => "ab.$"[Math.floor(Math.random() * 4)]).join("");
    for (let round = 0; round < 2000; round++) {
      const texts = Array.from({ length: round % 4 }, () => letters(1 + (round % 3)));
      const replacements = texts.map((_, index) => `<${index}>`);
      const said = letters(round % 40);
      const expected = replaceByPattern(said, texts, replacements);
      assert.equal(new TextReplacer(texts).replace(said, replacements), expected, JSON.stringify({ said, texts }));
    }
  });
});
