import assert from "node:assert/strict";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { suite, test } from "node:test";
import type { PipeEnds } from "../run/make-pipes.ts";
import { SparePipes } from "./spare-pipes.ts";

/** Makes pairs of descriptors, and tells how often it was asked. */
function maker() {
  const made: PipeEnds[][] = [];
  const make = async (): Promise<readonly PipeEnds[]> => {
    const open = () => openSync("/dev/null", "r+");
    const pipes = [1, 2].map(() => ({ reader: open(), writer: open() }));
    made.push(pipes);
    return pipes;
  };
  return { made, make };
}

const isOpen = (fd: number): boolean => {
  try {
    return readSync(fd, Buffer.alloc(1)) === 0;
  } catch {
    return false;
  }
};

const close = (pipes: readonly PipeEnds[]): void => {
  for (const { reader, writer } of pipes) for (const fd of [reader, writer]) closeSync(fd);
};

suite("spare pipes", () => {
  test("are given to one who asks, and made for whoever else does", async () => {
    const { made, make } = maker();
    await using spare = new SparePipes(make);
    spare.prepare();
    spare.prepare();
    assert.equal(made.length, 1);
    const taken = [await spare.take(), await spare.take()];
    assert.deepEqual(taken, made);
    assert.equal(made.length, 2);
    spare.prepare();
    assert.equal(made.length, 2, "the first command has been");
    for (const pipes of taken) close(pipes);
  });

  test("are closed with what they were made for, unless they were taken", async () => {
    const { made, make } = maker();
    {
      await using spare = new SparePipes(make);
      spare.prepare();
    }
    const [left] = made;
    assert.ok(left?.every(({ reader, writer }) => !isOpen(reader) && !isOpen(writer)));
    const spare = new SparePipes(make);
    spare.prepare();
    const [first] = await spare.take();
    await spare[Symbol.asyncDispose]();
    assert.ok(first !== undefined && isOpen(first.reader));
    writeSync(first.writer, "x");
    close(made[1] ?? []);
    spare.prepare();
    assert.equal(made.length, 2, "nothing is made for what has ended");
  });

  test("that could not be made tell it to who takes them", async () => {
    await using spare = new SparePipes(() => Promise.reject(new Error("no room")));
    spare.prepare();
    await assert.rejects(spare.take(), /no room/);
  });
});
