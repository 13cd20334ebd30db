import assert from "node:assert/strict";
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { EXECS_REMEMBERED_MIN } from "@orlop/core";
import { REPORT, reportKind } from "@orlop/kernel";
import { withTemporaryDirectory } from "@orlop/testkit";
import { ContainerDirectory } from "./container-directory.ts";
import { forgetEndedExecs } from "./ended-execs.ts";

function report(kind: "created" | "exited"): Buffer {
  const bytes = Buffer.alloc(REPORT.size);
  bytes.writeUInt32LE(REPORT.size, 0);
  bytes.writeUInt32LE(reportKind(kind), REPORT.fields.kind.offset);
  return bytes;
}

/** A container that has had `count` execs, each with the files that `files` names; `e0` is the oldest. */
async function withExecs(
  count: number,
  files: (index: number) => readonly ("created" | "exit" | "collected")[],
  work: (container: ContainerDirectory, left: () => readonly string[]) => void,
): Promise<void> {
  await withTemporaryDirectory((path) => {
    const container = new ContainerDirectory(path);
    mkdirSync(join(path, "exec"));
    for (let index = 0; index < count; index++) {
      const exec = container.exec(`e${index}`);
      exec.make(`e${index}`);
      for (const name of files(index)) {
        writeFileSync(join(exec.path, name), report(name === "created" ? "created" : "exited"));
      }
      utimesSync(exec.path, index, index);
    }
    work(container, () => readdirSync(join(path, "exec")));
  });
}

const MANY: number = 2 * EXECS_REMEMBERED_MIN + 1;

suite("the directories of ended execs", () => {
  test("are kept while there are few, and where there are none nothing is looked at", () =>
    withExecs(
      MANY - 1,
      () => ["created", "exit"],
      (container, left) => {
        forgetEndedExecs(container);
        assert.equal(left().length, MANY - 1);
        forgetEndedExecs(new ContainerDirectory(join(container.path, "exec", "e0")));
      },
    ));

  test("go when there are many, but for those that ended last", () =>
    withExecs(
      MANY,
      () => ["created", "exit"],
      (container, left) => {
        forgetEndedExecs(container);
        const last = Array.from({ length: EXECS_REMEMBERED_MIN }, (_, index) => `e${MANY - 1 - index}`);
        assert.deepEqual([...left()].sort(), last.sort());
      },
    ));

  test("go first where somebody has waited for the end", () =>
    withExecs(
      MANY,
      (index) => (index === 0 ? ["created", "exit"] : ["created", "exit", "collected"]),
      (container, left) => {
        forgetEndedExecs(container);
        assert.equal(left().length, EXECS_REMEMBERED_MIN);
        assert.equal(left().includes("e0"), true);
      },
    ));

  test("stay where an exec is being made, and go where its reaper was killed", () =>
    withExecs(
      MANY,
      (index) => (index === 0 ? [] : ["created"]),
      (container, left) => {
        forgetEndedExecs(container);
        assert.equal(left().length, EXECS_REMEMBERED_MIN + 1);
        assert.equal(left().includes("e0"), true);
      },
    ));
});
