import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { mean, median } from "./statistics.ts";
import { parseCpuList } from "./two-cores.ts";

describe("statistics", () => {
  test("take the middle value, or the mean of the two in the middle", () => {
    assert.equal(median([30, 1, 2]), 2);
    assert.equal(median([4, 1, 1000, 2]), 3);
    assert.equal(mean([1, 2, 6]), 3);
  });

  test("refuse to make something of nothing", () => {
    assert.throws(() => median([]));
    assert.throws(() => mean([]));
  });

  test("know the kernel's lists of processors", () => {
    assert.deepEqual(parseCpuList("0-3,8"), [0, 1, 2, 3, 8]);
    assert.deepEqual(parseCpuList("5"), [5]);
  });
});
