import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { PipeEnds } from "../run/make-pipes.ts";
import { PipePool } from "./pipe-pool.ts";

/** Makes pairs of numbers, and tells how many it was asked for. */
function maker() {
  const asked: number[] = [];
  let next = 0;
  const make = async (count: number): Promise<readonly PipeEnds[]> => {
    asked.push(count);
    return Array.from({ length: count }, () => ({ reader: next++, writer: next++ }));
  };
  return { asked, make };
}

const numbers = (pipes: readonly PipeEnds[]): readonly number[] =>
  pipes.flatMap(({ reader, writer }) => [reader, writer]);

suite("a pool of pipes", () => {
  test("has those that were made before, and makes others only when they are used up", async () => {
    const { asked, make } = maker();
    const pool = new PipePool(make);
    pool.prepare(2);
    pool.prepare(2);
    assert.deepEqual(asked, [8]);
    for (let command = 0; command < 4; command++) {
      pool.prepare(2);
      assert.deepEqual(
        numbers(await pool.take(2)),
        [0, 1, 2, 3].map((each) => 4 * command + each),
      );
    }
    assert.deepEqual(asked, [8]);
    assert.deepEqual(numbers(await pool.take(3)), [16, 17, 18, 19, 20, 21]);
    assert.deepEqual(asked, [8, 8]);
  });

  test("gives each pipe to one who asks, however many do at once", async () => {
    const { make } = maker();
    const pool = new PipePool(make);
    const taken = await Promise.all([...Array(20).fill(2), 30, 3].map((count) => pool.take(count)));
    const all = taken.flatMap(numbers);
    assert.equal(all.length, 2 * (20 * 2 + 30 + 3));
    assert.equal(new Set(all).size, all.length);
  });

  test("tells who takes them why they could not be made, and tries again for the next", async () => {
    const { make } = maker();
    let broken = true;
    const pool = new PipePool((count) => (broken ? Promise.reject(new Error("no room")) : make(count)));
    pool.prepare(2);
    await assert.rejects(pool.take(2), /no room/);
    broken = false;
    assert.equal((await pool.take(2)).length, 2);
  });
});
