import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { parsePsOutput, processTableText } from "./process-table.ts";
import { readProcessTable } from "./read-process-table.ts";

const OUTPUT = [
  "UID        PID  PPID CMD",
  "root         1     0 init with words",
  "daemon      20     1 serve",
  "root         -     - -",
  "root        21     1 other",
  "",
].join("\n");

describe("a table of ps", () => {
  test("is cut down to the processes that were asked for, with their threads", () => {
    assert.deepEqual(parsePsOutput(OUTPUT, new Set([1, 20])), {
      titles: ["UID", "PID", "PPID", "CMD"],
      rows: [
        ["root", "1", "0", "init with words"],
        ["daemon", "20", "1", "serve"],
        ["root", "-", "-", "-"],
      ],
    });
  });

  test("is refused without ids", () => {
    assert.throws(() => parsePsOutput("UID CMD\nroot x\n", new Set([1])), {
      message: "Couldn't find PID field in ps output",
    });
  });

  test("is printed in docker's columns", () => {
    assert.equal(
      processTableText({ titles: ["UID", "PID", "CMD"], rows: [["root", "1", "init with words"]] }),
      "UID                 PID                 CMD\nroot                1                   init with words\n",
    );
  });
});

test("processes are told of without ps, unless they have ended", async () => {
  const child = spawn("sh", ["-c", "echo; read line"], { stdio: ["pipe", "pipe", "ignore"] });
  await once(child.stdout, "data");
  const pid = child.pid ?? 0;
  const { titles, rows } = readProcessTable([pid, 2 ** 22 + 1], Date.now());
  child.stdin.end();
  const [row = []] = rows;
  assert.deepEqual([rows.length, row.length], [1, titles.length]);
  assert.deepEqual([row[1], row[2], row[7]], [String(pid), String(process.pid), "sh -c echo; read line"]);
  assert.match(row[4] ?? "", /^\d\d:\d\d$/);
  assert.match(row[6] ?? "", /^00:00:0\d$/);
  await once(child, "close");
});
