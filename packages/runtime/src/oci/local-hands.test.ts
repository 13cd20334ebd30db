import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { emitReport, hostArchitecture, type Program, ProgramBuilder, type Report, reportBuffer } from "@orlop/kernel";
import { withTemporaryDirectory } from "@orlop/testkit";
import { LocalHands } from "./local-hands.ts";

function program(write: (p: ProgramBuilder) => void): Program {
  const p = new ProgramBuilder(hostArchitecture());
  p.step({ action: "be tested" });
  write(p);
  return p.build();
}

test("a program that the hands become ends as they do", async () => {
  const hands = new LocalHands();
  hands.become(
    program((p) => p.call("exit_group", [7])),
    () => {},
  );
  assert.deepEqual(await hands.end(), { status: 7, signal: null });
  assert.throws(
    () =>
      hands.submit(
        program((p) => p.call("exit_group", [0])),
        () => {},
      ),
    /it has become a program/,
  );
  hands.close();
});

test("a signal to this process reaches the program that the hands have become", async () => {
  const hands = new LocalHands();
  const hour = Buffer.alloc(16);
  hour.writeBigInt64LE(3600n);
  hands.become(
    program((p) => {
      p.call("clock_nanosleep", [0, 0, p.bytes(hour), 0]);
      p.call("exit_group", [0]);
    }),
    () => {},
  );
  const ended = hands.end();
  process.kill(process.pid, "SIGUSR2");
  const { status, signal } = (await ended) ?? {};
  // By the signal itself, or, where it interrupted the program, by its failure.
  assert.ok(signal === "SIGUSR2" || status !== 0, `${status} ${signal}`);
  hands.close();
});

test("hands that were never used have nothing to end", async () => {
  const hands = new LocalHands();
  assert.deepEqual([hands.alive, await hands.end()], [true, undefined]);
  hands.close();
});

test("programs find further descriptors of this process", async () => {
  await withTemporaryDirectory(async (directory) => {
    const files = ["a", "b"].map((name) => openSync(join(directory, name), "w"));
    const hands = new LocalHands();
    const [a = 0, b = 0] = files.map((fd) => hands.descriptor(fd));
    assert.deepEqual([b - a, hands.descriptor(files[0] ?? 0)], [1, a]);
    const done = Promise.withResolvers<Report>();
    hands.submit(
      program((p) => {
        p.call("write", [a, p.text("A"), 1]);
        p.call("write", [b, p.text("B"), 1]);
        emitReport(p, reportBuffer(p), "ended");
        p.call("exit_group", [0]);
      }),
      (report) => report.kind === "ended" && done.resolve(report),
    );
    await done.promise;
    assert.deepEqual(
      ["a", "b"].map((name) => readFileSync(join(directory, name), "utf8")),
      ["A", "B"],
    );
    assert.equal(hands.descriptor(99), undefined);
    assert.throws(() => hands.descriptor(1), /descriptors are asked for before/);
    hands.close();
    for (const fd of files) closeSync(fd);
  });
});
