import assert from "node:assert/strict";
import { existsSync, mkdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { LABEL_GC_PROCESS, LABEL_GC_REF_CONTENT, LABEL_GC_REF_SNAPSHOT, LABEL_GC_ROOT } from "@orlop/core";
import { makeTestBlob, walkTree } from "@orlop/testkit";
import { ownLeaseOwner } from "../store/lease-owner.ts";
import { storeBlob } from "../store/store-fixture.ts";
import { CollectFixture, makeTestImage, type TestImage } from "./collect-fixture.ts";
import { collectGarbage } from "./collect-garbage.ts";

const A1 = makeTestImage("a1");
const A2 = makeTestImage("a2");
const B1 = makeTestImage("b1");

async function withImages(...images: readonly TestImage[]): Promise<CollectFixture> {
  const fixture = new CollectFixture();
  for (const [index, image] of images.entries()) await fixture.pull(image, `image-${index}`);
  return fixture;
}

describe("garbage collection keeps", () => {
  test("all that the names of images lead to, and removes what only removed ones led to", async () => {
    using fixture = await withImages(A1, A2, B1);
    assert.deepEqual(await collectGarbage(fixture), { removed: [], freedBytes: 0 });
    await fixture.store.images.delete("image-1");
    const { removed } = await collectGarbage(fixture);
    for (const image of [A1, B1]) assert.deepEqual(await fixture.missing(image), []);
    const [base, top] = A2.layers;
    assert.deepEqual(await fixture.missing(A2), [A2.manifest.digest, A2.config.digest, top?.digest, "chain a2"]);
    assert.ok(await fixture.store.content.has(base?.digest ?? "sha256:"));
    const names = removed.map(({ name }) => name).sort();
    assert.deepEqual(names, [A2.manifest.digest, A2.config.digest, top?.digest, "chain a2"].sort());
    assert.equal(fixture.fake.files().length, fixture.fake.records().length);
  });

  test("what a name led to before, only until it leads elsewhere", async () => {
    using fixture = await withImages(A1);
    await fixture.pull(B1, "image-0");
    await collectGarbage(fixture);
    assert.equal((await fixture.missing(A1)).length, 6);
    assert.deepEqual(await fixture.missing(B1), []);
  });

  test("what live leases keep, with all below it", async () => {
    using fixture = await withImages(A1);
    await fixture.store.images.delete("image-0");
    const { id } = await fixture.store.leases.create();
    await fixture.store.leases.add(id, { kind: "content", digest: A1.manifest.digest });
    assert.deepEqual((await collectGarbage(fixture)).removed, []);
    await fixture.store.leases.delete(id);
    assert.equal((await collectGarbage(fixture)).removed.length, 6);
  });

  test("a snapshot that a lease keeps and those below it, not the image that it was made of", async () => {
    using fixture = await withImages(A1);
    await fixture.store.images.delete("image-0");
    const { id } = await fixture.store.leases.create();
    await fixture.store.leases.add(id, { kind: "snapshot", snapshotter: "fake", key: "run" });
    fixture.fake.make("run", "chain a1", { kind: "active" });
    assert.equal((await collectGarbage(fixture)).removed.length, 4);
    assert.deepEqual(
      fixture.fake
        .records()
        .map(({ key }) => key)
        .sort(),
      [...A1.chain, "run"].sort(),
    );
    await fixture.store.leases.delete(id);
    assert.deepEqual(
      (await collectGarbage(fixture)).removed.map(({ name }) => name),
      ["run", "chain a1", "chain base of a"],
    );
  });

  test("what is labelled as a root, blob or snapshot, and what their labels refer to", async () => {
    using fixture = new CollectFixture();
    const blobs = ["one", "two", "three", "four", "five"].map((seed) => makeTestBlob(seed));
    const [one, two, three, four, five] = blobs.map(({ digest }) => digest);
    for (const blob of blobs) await storeBlob(fixture.store.content, blob);
    const { content } = fixture.store;
    const [root, prefix, snapshot] = [LABEL_GC_ROOT, LABEL_GC_REF_CONTENT, LABEL_GC_REF_SNAPSHOT];
    await content.setLabels(one ?? "a:b", { [root]: "2026", [prefix]: two, [`${prefix}.x`]: three });
    // Neither a root, nor a reference by its name.
    await content.setLabels(five ?? "a:b", { [`${prefix}s`]: one, [`${snapshot}.fake`]: "s" });
    fixture.fake.make("s");
    fixture.fake.make("t", undefined, { labels: { [root]: "", [`${snapshot}.fake/2`]: "u" } });
    fixture.fake.make("u", undefined, { labels: { [`${prefix}/l`]: four ?? "" } });
    const { removed } = await collectGarbage(fixture);
    assert.deepEqual(removed.map(({ name }) => name).sort(), ["s", five].sort());
  });

  test("what is labelled with a process and all that it refers to, for as long as that lives", async () => {
    using fixture = await withImages(A1);
    await fixture.store.images.delete("image-0");
    const content = { [`${LABEL_GC_REF_CONTENT}.image`]: A1.manifest.digest };
    const labels = { ...content, [LABEL_GC_PROCESS]: ownLeaseOwner() };
    fixture.fake.make("run", "chain a1", { kind: "active", labels });
    assert.deepEqual((await collectGarbage(fixture)).removed, []);
    const gone = { ...content, [LABEL_GC_PROCESS]: ownLeaseOwner().replace(/\d+$/, "1") };
    fixture.store.database.transaction(() =>
      fixture.store.database.run("update fakes set labels = ? where key = 'run'", JSON.stringify(gone)),
    );
    assert.equal((await collectGarbage(fixture)).removed.length, 7);
  });

  test("nothing for the sake of leases that have ended", async () => {
    using fixture = await withImages(A1);
    await fixture.store.images.delete("image-0");
    const { id } = await fixture.store.leases.create({ expiresInMs: -1 });
    const work = (): number =>
      fixture.store.database.run(
        "insert into lease_resources values (?, 'content', '', ?)",
        ...[id, A1.manifest.digest],
      );
    fixture.store.database.transaction(work);
    const { removed } = await collectGarbage(fixture);
    assert.deepEqual(removed[0], { kind: "lease", name: id, diskBytes: 0 });
    assert.equal(removed.length, 7);
    assert.deepEqual(fixture.store.database.all("select * from lease_resources"), []);
  });
});

describe("garbage collection removes", () => {
  test("circles, and chains of any length", async () => {
    using fixture = new CollectFixture();
    const blobs = ["one", "two"].map((seed) => makeTestBlob(seed));
    for (const [index, blob] of blobs.entries()) {
      await storeBlob(fixture.store.content, blob, { [LABEL_GC_REF_CONTENT]: blobs[1 - index]?.digest ?? "" });
    }
    const { database } = fixture.store;
    const insert = "insert into fakes (key, kind, parent, labels, id) values (?, 'committed', ?, '{}', ?)";
    const name = (index: number): string => `chain-${String(index).padStart(5, "0")}`;
    database.all("select * from fakes");
    database.transaction(() => {
      for (let index = 0; index < 20_000; index++)
        database.run(insert, name(index), index > 0 ? name(index - 1) : null, index);
    });
    await collectGarbage(fixture);
    assert.deepEqual(fixture.store.content.rows(), []);
    assert.deepEqual(fixture.fake.records(), []);
  });

  test("damaged blobs that nothing refers to, and tells what all took on the disk", async () => {
    using fixture = await withImages(A1);
    await fixture.store.images.delete("image-0");
    const blobs = join(fixture.root, "content/blobs");
    const files = [...walkTree(blobs)].map((path) => statSync(join(blobs, path))).filter((stat) => stat.isFile());
    const expected = files.reduce((sum, { blocks }) => sum + blocks * 512, 0) + 2 * 8192;
    fixture.store.database.transaction(() => fixture.store.database.run("update blobs set damaged_at_ms = 1"));
    assert.equal((await collectGarbage(fixture)).freedBytes, expected);
    assert.deepEqual([...walkTree(blobs)], ["sha256"]);
  });

  test("nothing, where it is only to tell what it would", async () => {
    using fixture = await withImages(A1, A2);
    await fixture.store.images.delete("image-0");
    const told = await collectGarbage(fixture, { dryRun: true, leftoverAgeMs: 0 });
    assert.deepEqual(await fixture.missing(A1), []);
    const done = await collectGarbage(fixture, { leftoverAgeMs: 0 });
    assert.deepEqual(told, done);
  });

  test("nothing more once it is cancelled", async () => {
    using fixture = await withImages(A1);
    await fixture.store.images.delete("image-0");
    const signal = AbortSignal.abort();
    await assert.rejects(collectGarbage(fixture, { signal }), { code: "cancelled" });
    assert.deepEqual(await fixture.missing(A1), []);
  });
});

describe("of blobs that did not become visible, garbage collection", () => {
  const blob = makeTestBlob("partly", 100_000);

  async function begin(fixture: CollectFixture): Promise<AsyncDisposable> {
    const ingest = await fixture.store.content.ingest(blob);
    await ingest?.write(blob.bytes.subarray(0, 50_000), 0);
    assert.ok(ingest !== undefined);
    return ingest;
  }

  test("removes what nobody has touched for a day", async () => {
    using fixture = new CollectFixture();
    await (await begin(fixture))[Symbol.asyncDispose]();
    assert.deepEqual((await collectGarbage(fixture)).removed, []);
    const directory = join(fixture.root, "content/ingest", blob.digest.replace(":", "-"));
    for (const name of ["data", "ranges"]) utimesSync(join(directory, name), 1, 1);
    const { removed } = await collectGarbage(fixture);
    assert.deepEqual(
      removed.map(({ kind, name }) => [kind, name]),
      [["ingest", blob.digest]],
    );
    assert.equal(existsSync(directory), false);
  });

  test("keeps what a process is at, and what a lease keeps", async () => {
    using fixture = new CollectFixture();
    const { id } = await fixture.store.leases.create();
    {
      await using _ingest = await begin(fixture);
      assert.deepEqual((await collectGarbage(fixture, { leftoverAgeMs: 0 })).removed, []);
      await fixture.store.leases.add(id, { kind: "content", digest: blob.digest });
    }
    assert.deepEqual((await collectGarbage(fixture, { leftoverAgeMs: 0 })).removed, []);
    await fixture.store.leases.delete(id);
    assert.equal((await collectGarbage(fixture, { leftoverAgeMs: 0 })).removed.length, 1);
  });

  test("removes files without a row, unless a process is about to give them one", async () => {
    using fixture = new CollectFixture();
    const { content, database } = fixture.store;
    const path = join(fixture.root, "content/blobs", blob.digest.replace(":", "/"));
    {
      // As it is between making it durable and visible.
      await using _ingest = await begin(fixture);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, blob.bytes);
      assert.deepEqual((await collectGarbage(fixture, { leftoverAgeMs: 0 })).removed, []);
    }
    await content.abort(blob.digest);
    assert.equal(statSync(path).size, blob.size);
    assert.deepEqual((await collectGarbage(fixture)).removed, []);
    const diskBytes = statSync(path).blocks * 512;
    const { removed } = await collectGarbage(fixture, { leftoverAgeMs: 0 });
    assert.deepEqual(removed, [{ kind: "file", name: blob.digest, diskBytes }]);
    assert.deepEqual(database.all("select * from blobs"), []);
    assert.deepEqual([...walkTree(join(fixture.root, "content"))].sort(), ["blobs", "blobs/sha256", "ingest"]);
  });
});
