import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { JSON_LIMITS } from "@orlop/core";
import { withTemporaryDirectory } from "@orlop/testkit";
import { readJsonFile } from "./read-json-file.ts";

suite("the text of a document", () => {
  test("is all that is in the file", () =>
    withTemporaryDirectory((directory) => {
      const path = join(directory, "config.json");
      for (const length of [0, 1, 65_536, 200_000]) {
        writeFileSync(path, "x".repeat(length));
        assert.deepEqual(Buffer.from(readJsonFile(path)).toString(), "x".repeat(length));
      }
    }));

  test("is no more than tells that it is too long, of a file without an end", () => {
    const { length } = readJsonFile("/dev/zero");
    assert.ok(length > JSON_LIMITS.textSizeMaxBytes && length < 2 * JSON_LIMITS.textSizeMaxBytes, String(length));
  });
});
