import assert from "node:assert/strict";
import { test } from "node:test";
import { RangeSet } from "./range-set.ts";

const SIZE = 40;

test("a set of ranges agrees with a set of bytes, whatever is added and removed", () => {
  let state = 12345;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  for (let round = 0; round < 300; round++) {
    const ranges = new RangeSet();
    const bytes = new Array<boolean>(SIZE).fill(false);
    for (let step = 0; step < 12; step++) {
      const offset = random(SIZE);
      const end = offset + random(SIZE - offset + 1);
      const isAdded = random(3) > 0;
      if (isAdded) ranges.add(offset, end);
      else ranges.remove(offset, end);
      bytes.fill(isAdded, offset, end);
      check(ranges, bytes);
    }
  }
});

function check(ranges: RangeSet, bytes: readonly boolean[]): void {
  const inRanges = (list: readonly { offset: number; length: number }[]): readonly boolean[] =>
    bytes.map((_, index) => list.some(({ offset, length }) => index >= offset && index < offset + length));
  assert.deepEqual(inRanges(ranges.ranges()), bytes);
  const missing = ranges.missing(5, SIZE - 5);
  assert.deepEqual(
    inRanges(missing),
    bytes.map((each, index) => !each && index >= 5 && index < SIZE - 5),
  );
  assert.equal(ranges.totalBytes, bytes.filter((each) => each).length);
  assert.equal(ranges.prefixBytes, bytes.includes(false) ? bytes.indexOf(false) : SIZE);
  // Neither empty nor touching.
  ranges.ranges().reduce((before, { offset, length }) => {
    assert.ok(length > 0 && offset > before);
    return offset + length;
  }, -1);
}
