import assert from "node:assert/strict";
import { test } from "node:test";
import { ProgramBuilder } from "./builder.ts";
import { SourceMap } from "./source-map.ts";

test("a source map tells of each instruction what it was there for, until that is forgotten", () => {
  const p = new ProgramBuilder("x86_64");
  p.role("reaper");
  p.step({ action: "sit" });
  p.call("getpid", []);
  p.call("getpid", []);
  p.role("init");
  p.step({ action: "stand" });
  p.call("getpid", []);
  p.role("reaper");
  p.step({ action: "lie" });
  p.call("exit_group", [0]);
  const program = p.build();
  const source = new SourceMap(program);
  const actions = (): readonly (string | undefined)[] =>
    [-1, ...program.instructions.keys(), program.instructions.length].map((index) => source.step(index)?.action);
  assert.deepEqual(actions(), [undefined, "sit", "sit", "stand", "lie", undefined]);
  source.forget("init");
  assert.deepEqual(actions(), [undefined, "sit", "sit", undefined, "lie", undefined]);
});
