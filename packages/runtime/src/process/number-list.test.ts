import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { numberListMask } from "./number-list.ts";

suite("the mask of a list of numbers", () => {
  test("has a bit for each of them, in whole words", () => {
    for (const [list, hex] of [
      ["0", "0100000000000000"],
      ["1,3", "0a00000000000000"],
      ["0-3,7", "8f00000000000000"],
      ["63-64", "00000000000000800100000000000000"],
      ["7,7-8", "8001000000000000"],
    ] as const) {
      assert.equal(numberListMask(list).toString("hex"), hex, list);
    }
    assert.equal(numberListMask("99999").length, 12_504);
  });
});
