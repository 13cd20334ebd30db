import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameMemory } from "./frame-memory.ts";

test("memory of a frame is zeros, and the next one's once it has been released", () => {
  const [first, second, third] = [new FrameMemory(), new FrameMemory(), new FrameMemory()];
  const one = first.take(100_000).fill(1);
  const two = second.take(100_000);
  assert.notEqual(two.buffer, one.buffer, "it is in use");
  first.release();
  const three = third.take(20_000);
  assert.equal(three.buffer, one.buffer);
  assert.deepEqual(three, Buffer.alloc(20_000));
  assert.equal(three.byteOffset % 8, 0);
});

test("a small frame leaves that memory to others", () => {
  const [first, small, second] = [new FrameMemory(), new FrameMemory(), new FrameMemory()];
  const { buffer } = first.take(100_000);
  first.release();
  const taken = small.take(64);
  assert.deepEqual([taken, taken.byteOffset % 8], [Buffer.alloc(64), 0]);
  assert.notEqual(taken.buffer, buffer);
  assert.equal(second.take(100_000).buffer, buffer);
  small.release();
  second.release();
});

test("a frame that is larger than others has memory of its own", () => {
  const memory = new FrameMemory();
  assert.equal(memory.take(1024 * 1024).length, 1024 * 1024);
  memory.release();
  assert.equal(new FrameMemory().take(64).length, 64);
});
