import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { OrlopError } from "@orlop/core";
import { temporaryDirectory } from "@orlop/testkit";
import { RemoteFiles } from "../remote/remote-files.ts";
import { openStore } from "../store/open-store.ts";
import { CachedFiles, type IndexedFile } from "./cached-files.ts";
import { TestMirror } from "./fixtures/test-mirror.ts";

const CONTENT = Buffer.alloc(300_000, "content ");
const LIMITS = { sizeMax: CONTENT.length };

function indexed(mirror: TestMirror): IndexedFile {
  mirror.files.set("file", CONTENT);
  const sha256 = createHash("sha256").update(CONTENT).digest("hex");
  return { url: new URL("file", mirror.url), size: CONTENT.length, sha256 };
}

test("fetches a file once, for everyone who uses the store", async () => {
  using directory = temporaryDirectory();
  await using mirror = await TestMirror.start();
  using fetching = new RemoteFiles(() => undefined);
  const file = indexed(mirror);
  {
    using store = openStore(directory.path);
    const files = new CachedFiles(fetching, store.content);
    const both = await Promise.all([files.get(file, LIMITS), files.get(file, LIMITS)]);
    assert.deepEqual(both, [CONTENT, CONTENT]);
  }
  using store = openStore(directory.path);
  assert.deepEqual(await new CachedFiles(fetching, store.content).get(file, LIMITS), CONTENT);
  assert.deepEqual(mirror.requests, ["file"]);
});

test("goes on with what another began to keep", async () => {
  using directory = temporaryDirectory();
  using store = openStore(directory.path);
  await using mirror = await TestMirror.start();
  using fetching = new RemoteFiles(() => undefined);
  const file = indexed(mirror);
  {
    await using ingest = await store.content.ingest({ digest: `sha256:${file.sha256}`, size: file.size });
    await ingest?.write(CONTENT.subarray(0, 1000), 0);
  }
  assert.deepEqual(await new CachedFiles(fetching, store.content).get(file, LIMITS), CONTENT);
  assert.deepEqual(
    (await Array.fromAsync(store.content.list())).map(({ sizeBytes }) => sizeBytes),
    [CONTENT.length],
  );
});

test("keeps nothing of a file that is another than the index says", async () => {
  using directory = temporaryDirectory();
  using store = openStore(directory.path);
  await using mirror = await TestMirror.start();
  using fetching = new RemoteFiles(() => undefined);
  const file = indexed(mirror);
  mirror.files.set("file", Buffer.alloc(CONTENT.length));
  const files = new CachedFiles(fetching, store.content);
  await assert.rejects(
    files.get(file, LIMITS),
    (error) => error instanceof OrlopError && error.message.includes("it hashes to"),
  );
  assert.deepEqual(await Array.fromAsync(store.content.list()), []);
  mirror.files.set("file", CONTENT);
  assert.deepEqual(await files.get(file, LIMITS), CONTENT);
});
