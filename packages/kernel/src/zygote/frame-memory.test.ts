import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameMemory } from "./frame-memory.ts";

test("memory of a frame is zeros, and the next one's once it has been released", () => {
  const [first, second, third] = [new FrameMemory(), new FrameMemory(), new FrameMemory()];
  const one = first.take(100_000).fill(1);
  const two = second.take(100_000);
  assert.notEqual(two.buffer, one.buffer, "it is in use");
  first.release();
  const three = third.take(64);
  assert.equal(three.buffer, one.buffer);
  assert.deepEqual(three, Buffer.alloc(64));
  assert.equal(three.byteOffset % 8, 0);
});

test("a frame that is larger than others has memory of its own", () => {
  const memory = new FrameMemory();
  assert.equal(memory.take(1024 * 1024).length, 1024 * 1024);
  memory.release();
  assert.equal(new FrameMemory().take(64).length, 64);
});
