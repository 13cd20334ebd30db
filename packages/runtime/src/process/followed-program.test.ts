import assert from "node:assert/strict";
import { test } from "node:test";
import { ProgramBuilder, type Report, RUSAGE_BYTES } from "@orlop/kernel";
import { FollowedProgram } from "./followed-program.ts";

function followed(): FollowedProgram {
  const p = new ProgramBuilder("x86_64");
  p.step({ action: "leave" });
  p.call("exit_group", [0]);
  return new FollowedProgram(p.build());
}

function report(kind: Report["kind"], value: number): Report {
  return { kind, request: 1, index: 0, value, atMs: 0, rusage: new Uint8Array(RUSAGE_BYTES) };
}

test("who waits for the beginning of what has ended without one is told so", async () => {
  const program = followed();
  for (const each of [report("created", 7), report("started", 0), report("exited", 0), report("ended", 0)]) {
    program.onReport(each);
  }
  await program.exited.promise;
  await assert.rejects(program.begun.promise, { message: /who started it was killed/ });
});

test("what has begun stays that when it ends", async () => {
  const program = followed();
  for (const each of [report("begun", 6), report("created", 7), report("ended", 0)]) program.onReport(each);
  assert.equal(await program.begun.promise, 6);
});
