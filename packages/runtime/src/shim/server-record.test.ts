import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import {
  ownRecord,
  readServerRecord,
  removeServerRecord,
  sweepDeadServer,
  takePlace,
  writeServerRecord,
} from "./server-record.ts";

/** Of a process that cannot be there: a pid is this process's from one start on. */
function dead(socket: string): string {
  return `${process.pid} 1 ${socket} /bin\n`;
}

describe("the record of a server", () => {
  test("is read while the server lives, and taken back by it alone", () =>
    withTemporaryDirectory((directory) => {
      const path = join(directory, "server");
      assert.equal(readServerRecord(path), undefined);
      const record = ownRecord("/run/socket", "/a directory/bin");
      writeServerRecord(path, record);
      assert.deepEqual(readServerRecord(path), record);
      assert.match(readFileSync(path, "utf8"), /^\d+ \d+ \/run\/socket \/a directory\/bin\n$/);
      assert.equal(removeServerRecord(path), true);
      assert.equal(removeServerRecord(path), false);
      writeFileSync(path, dead("/run/socket"));
      assert.equal(removeServerRecord(path), false);
    }));

  test("is none when the pid is another process's, and when it is damaged", () =>
    withTemporaryDirectory((directory) => {
      const path = join(directory, "server");
      for (const text of [dead("/s"), "", "1\n", "a b c d\n"]) {
        writeFileSync(path, text);
        assert.equal(readServerRecord(path), undefined);
      }
    }));

  test("tells the socket of a dead server, which is removed", () =>
    withTemporaryDirectory((directory) => {
      const [path, socket] = [join(directory, "server"), join(directory, "socket")];
      writeFileSync(socket, "");
      writeServerRecord(path, ownRecord(socket, "/bin"));
      sweepDeadServer(path);
      assert.ok(existsSync(socket));
      writeFileSync(path, dead(socket));
      sweepDeadServer(path);
      assert.ok(!existsSync(socket));
    }));

  test("is preceded by a place that one has at a time, until it is dead", () =>
    withTemporaryDirectory((directory) => {
      const path = join(directory, "starting");
      assert.equal(takePlace(path), true);
      assert.equal(takePlace(path), false);
      writeFileSync(path, `${process.pid} 1\n`);
      // Once to take it from the dead, once to have it.
      assert.equal(takePlace(path), false);
      assert.equal(takePlace(path), true);
    }));
});
