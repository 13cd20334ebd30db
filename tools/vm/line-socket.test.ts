import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { LineSocket } from "./line-socket.ts";

const directory = mkdtempSync(join(tmpdir(), "orlop-lines-"));
after(() => rmSync(directory, { recursive: true }));

test("a socket hands on lines in order, the last one also without its end", async () => {
  const lines: string[] = [];
  await using socket = await LineSocket.listen(join(directory, "a"), (line) => lines.push(line));
  const client = connect(socket.path);
  client.write("one\ntw");
  client.end("o\nthree");
  await new Promise((resolve) => client.once("close", resolve));
  await socket.finished();
  assert.deepEqual(lines, ["one", "two", "three"]);
});

test("a socket to which nobody came has finished", async () => {
  await using socket = await LineSocket.listen(join(directory, "b"), () => {});
  await socket.finished();
});
