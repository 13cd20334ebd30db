import assert from "node:assert/strict";
import { closeSync, existsSync, fstatSync, readSync, writeSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Report, Zygote } from "@orlop/kernel";
import { makePipes, type PipeEnds } from "./make-pipes.ts";

const text = (fd: number): string => {
  const buffer = Buffer.alloc(64);
  return buffer.toString("utf8", 0, readSync(fd, buffer));
};

/** Notes the process that makes pipes. */
function watched(zygote: Zygote) {
  const seen: { pid?: number } = {};
  const submit: Zygote["submit"] = (program, onReport) =>
    zygote.submit(program, (report: Report) => {
      if (report.kind === "begun") seen.pid = report.value;
      onReport(report);
    });
  return { seen, zygote: { submit } };
}

test("pipes carry what is written to them, end where all writers have gone, and have nobody else at them", async () => {
  const zygote = Zygote.start();
  try {
    const { seen, zygote: through } = watched(zygote);
    const pipes = await makePipes(5, through);
    assert.equal(pipes.length, 5);
    for (const { reader, writer } of pipes) {
      for (const fd of [reader, writer]) assert.equal(fstatSync(fd).isFIFO(), true);
    }
    for (const [index, { writer }] of pipes.entries()) writeSync(writer, `pipe ${index}`);
    for (const [index, { reader }] of pipes.entries()) assert.equal(text(reader), `pipe ${index}`);
    for (let tries = 0; tries < 1000 && (seen.pid === undefined || existsSync(`/proc/${seen.pid}`)); tries++) {
      await sleep(2);
    }
    assert.equal(existsSync(`/proc/${seen.pid}`), false, "who has made them has gone");
    const [first, second, ...others] = pipes as [PipeEnds, PipeEnds, ...PipeEnds[]];
    closeSync(first.writer);
    assert.equal(text(first.reader), "");
    closeSync(second.reader);
    assert.throws(() => writeSync(second.writer, "x"), { code: "EPIPE" });
    for (const fd of [first.reader, second.writer, ...others.flatMap(Object.values)]) closeSync(fd);
  } finally {
    zygote.close();
  }
});

test("pipes are to be had without a zygote", async () => {
  const [pipe] = await makePipes(1);
  assert.ok(pipe !== undefined);
  writeSync(pipe.writer, "x");
  assert.equal(text(pipe.reader), "x");
  for (const fd of [pipe.reader, pipe.writer]) closeSync(fd);
});

test("pipes that cannot be made are told of", async () => {
  const zygote = Zygote.start();
  try {
    // Some thousand descriptors are what a process may have, unless somebody has said otherwise.
    const submit: Zygote["submit"] = (_program, onReport) =>
      onReport({ kind: "failed", request: 1, index: 3, value: 24, atMs: 0, rusage: new Uint8Array() });
    await assert.rejects(makePipes(1, { submit }), { code: "failed", message: /Cannot make pipes: .*open files/i });
    const lost: Zygote["submit"] = (_program, onReport) =>
      onReport({ kind: "ended", request: 1, index: 1, value: 0, atMs: 0, rusage: new Uint8Array() });
    await assert.rejects(makePipes(1, { submit: lost }), /was killed/);
  } finally {
    zygote.close();
  }
});
