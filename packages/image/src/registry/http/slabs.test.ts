import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Slabs } from "./slabs.ts";

const LARGE = 1024 * 1024;

/** Reads until the slab has no room left, and lends all of that. */
function fillUp(slabs: Slabs): Buffer[] {
  const lent: Buffer[] = [];
  const { buffer } = slabs.room(LARGE);
  while (slabs.room(LARGE).buffer === buffer) {
    const chunk = slabs.fill(Math.min(64 * 1024, slabs.room(LARGE).length));
    slabs.lend(chunk);
    lent.push(chunk);
  }
  return lent;
}

describe("the memory that a connection reads into", () => {
  test("is used again when all that was lent of it has come back, and no sooner", () => {
    const slabs = new Slabs();
    fillUp(slabs);
    const [first, second] = [fillUp(slabs), fillUp(slabs)];
    const chunks = [...first, ...second];
    assert.equal(new Set(chunks.map(({ buffer }) => buffer)).size, 2);
    for (const chunk of first.slice(1)) slabs.giveBack(chunk);
    const [third = assert.fail()] = fillUp(slabs);
    assert.ok(!chunks.some(({ buffer }) => buffer === third.buffer));
    slabs.giveBack(first[0] ?? assert.fail());
    fillUp(slabs);
    assert.equal(slabs.room(LARGE).buffer, first[0]?.buffer);
    assert.equal(slabs.room(LARGE).length, LARGE);
  });

  test("is used again at once where nothing was lent of it, as of heads", () => {
    const slabs = new Slabs();
    slabs.fill(slabs.room(LARGE).length);
    const { buffer } = slabs.room(LARGE);
    slabs.fill(LARGE);
    assert.equal(slabs.room(LARGE).buffer, buffer);
  });

  test("is not what is read into now, though all of that has come back", () => {
    const slabs = new Slabs();
    fillUp(slabs);
    const chunk = slabs.fill(slabs.room(LARGE).length / 2);
    slabs.lend(chunk);
    slabs.giveBack(chunk);
    assert.equal(slabs.room(LARGE).buffer, chunk.buffer);
    assert.equal(slabs.room(LARGE).length, LARGE / 2);
    slabs.giveBack(Buffer.alloc(5));
  });
});
