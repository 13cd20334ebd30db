import assert from "node:assert/strict";
import { test } from "node:test";
import { sourcesOf } from "./debian-sources.ts";

test("apt's sources of a release are its own, its updates' and its security fixes', each once", () => {
  const lines = [
    "deb http://mirror/debian bookworm main",
    "deb http://mirror/debian bookworm main",
    "deb http://mirror/debian bookworm-updates main",
    "deb http://mirror/security bookworm-security main",
    "deb http://mirror/debian trixie main",
    "deb http://other/ ./ ",
    "E: something is wrong",
    "",
  ];
  assert.deepEqual(sourcesOf(lines, "bookworm"), [lines[0], lines[2], lines[3]]);
  assert.deepEqual(sourcesOf(lines, "sid"), []);
});
