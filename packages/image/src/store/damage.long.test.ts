import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { bytesOf, makeTestBlob } from "@orlop/testkit";
import { openStore } from "./open-store.ts";
import { storeBlob, storeFixture } from "./store-fixture.ts";

const LARGE = 2_000_000;

/** As a failing disk does: the same length, other bytes. */
function damage(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

for (const size of [1000, LARGE]) {
  test(`a blob of ${size} bytes that the disk has changed is found when it is read, and can be fetched again`, async () => {
    using fixture = storeFixture();
    const { content } = fixture.store;
    const blob = makeTestBlob("damaged", size);
    await storeBlob(content, blob, { a: "1" });
    damage(fixture.blobPath(blob.digest));
    const message = /its content.*\nTry pulling its image again/;
    await assert.rejects(bytesOf(content.read(blob.digest)), { code: "invalid", message });
    // From then on it is not there, for other processes either.
    assert.equal(await content.has(blob.digest), false);
    using other = openStore(fixture.root);
    await assert.rejects(other.content.info(blob.digest), { code: "not-found", message });
    await storeBlob(other.content, blob, { a: "2" });
    assert.ok((await bytesOf(content.read(blob.digest))).equals(blob.bytes));
    assert.deepEqual((await content.info(blob.digest)).labels, { a: "2" });
  });
}

test("a blob whose file is cut short or gone is not there, and comes again", async () => {
  using fixture = storeFixture();
  const { content } = fixture.store;
  const [cut, gone] = [makeTestBlob("cut"), makeTestBlob("gone")];
  for (const blob of [cut, gone]) await storeBlob(content, blob);
  truncateSync(fixture.blobPath(cut.digest), 999);
  rmSync(fixture.blobPath(gone.digest));
  for (const blob of [cut, gone]) {
    assert.equal(await content.has(blob.digest), false);
    await assert.rejects(bytesOf(content.read(blob.digest)), { code: "not-found", message: /Try pulling/ });
    await storeBlob(content, blob);
    assert.ok((await bytesOf(content.read(blob.digest))).equals(blob.bytes));
  }
});

test("a check of everything finds what is damaged, and nothing else", async () => {
  using fixture = storeFixture();
  const { content } = fixture.store;
  const blobs = ["good", "flipped", "cut", "gone", "large"].map((seed) =>
    makeTestBlob(seed, seed === "large" ? LARGE : 100),
  );
  for (const blob of blobs) await storeBlob(content, blob);
  const [good, flipped, cut, gone, large] = blobs.map(({ digest }) => digest);
  assert.ok(good && flipped && cut && gone && large);
  damage(fixture.blobPath(flipped));
  damage(fixture.blobPath(large));
  truncateSync(fixture.blobPath(cut), 0);
  rmSync(fixture.blobPath(gone));
  const found = await Array.fromAsync(content.damaged());
  assert.deepEqual(found.map(({ digest }) => digest).sort(), [flipped, cut, gone, large].sort());
  for (const { error } of found) assert.match(error.message, /Try pulling/);
  const visible = await Array.fromAsync(content.list());
  assert.deepEqual(
    visible.map(({ digest }) => digest),
    [good],
  );
  const abort = new AbortController();
  abort.abort();
  await assert.rejects(Array.fromAsync(content.damaged(abort.signal)), { code: "cancelled" });
});

test("what a power cut has left of a blob is verified and taken in again without coming again", async () => {
  using fixture = storeFixture();
  const { content, database } = fixture.store;
  const [whole, damaged] = [makeTestBlob("whole", LARGE), makeTestBlob("half")];
  for (const blob of [whole, damaged]) await storeBlob(content, blob);
  // The file is on the disk, the row was not.
  database.transaction(() => database.run("delete from blobs"));
  damage(fixture.blobPath(damaged.digest));
  assert.equal(await content.has(whole.digest), false);
  {
    await using ingest = await content.ingest(whole);
    assert.deepEqual(ingest?.missing(), []);
    await ingest?.commit({ a: "1" });
  }
  assert.ok((await bytesOf(content.read(whole.digest))).equals(whole.bytes));
  {
    await using ingest = await content.ingest(damaged);
    await assert.rejects(ingest?.commit() ?? Promise.resolve(), { code: "invalid" });
  }
  assert.equal(existsSync(fixture.blobPath(damaged.digest)), false);
  await storeBlob(content, damaged);
  assert.ok((await bytesOf(content.read(damaged.digest))).equals(damaged.bytes));
});

test("parts that a power cut has changed are dropped by the verification", async () => {
  using fixture = storeFixture();
  const { content } = fixture.store;
  const blob = makeTestBlob("parts", LARGE);
  {
    await using ingest = await content.ingest(blob);
    await ingest?.write(blob.bytes.subarray(0, LARGE / 2), 0);
  }
  damage(`${fixture.root}/content/ingest/${blob.digest.replace(":", "-")}/data`);
  await assert.rejects(storeBlob(content, blob), { code: "invalid" });
  await storeBlob(content, blob);
  assert.ok((await bytesOf(content.read(blob.digest))).equals(blob.bytes));
});

test("a file of parts that is shorter than its record says is believed only as far as it goes", async () => {
  using fixture = storeFixture();
  const { content } = fixture.store;
  const blob = makeTestBlob("short", LARGE);
  {
    await using ingest = await content.ingest(blob);
    await ingest?.write(blob.bytes.subarray(0, 1000), 0);
  }
  truncateSync(`${fixture.root}/content/ingest/${blob.digest.replace(":", "-")}/data`, 400);
  await using ingest = await content.ingest(blob);
  assert.deepEqual(ingest?.missing(), [{ offset: 400, length: LARGE - 400 }]);
});
