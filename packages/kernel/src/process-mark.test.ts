import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { isMarkAlive, ownProcessMark } from "./process-mark.ts";

test("a mark lives as long as its process", () => {
  const own = ownProcessMark();
  assert.equal(isMarkAlive(own), true);
  const script = `import(${JSON.stringify(import.meta.resolve("./process-mark.ts"))}).then((m) => console.log(m.ownProcessMark()))`;
  const other = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" }).stdout.trim();
  assert.match(other, /^\d+\.\d+\.\d+$/);
  assert.equal(isMarkAlive(other), false);
});

test("a mark is not that of a later process with the same number", () => {
  const [namespace, pid, started] = ownProcessMark().split(".");
  assert.equal(isMarkAlive(`${namespace}.${pid}.${Number(started) - 1}`), false);
});

test("a mark of another pid namespace counts as living, because nobody here can tell", () => {
  assert.equal(isMarkAlive("1.1.1"), true);
});

test("what is no mark is not alive", () => {
  for (const text of ["", "x", "1.2", "1.2.3.4", "-1.2.3"]) assert.equal(isMarkAlive(text), false, text);
});
