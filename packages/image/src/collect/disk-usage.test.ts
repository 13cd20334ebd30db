import assert from "node:assert/strict";
import { test } from "node:test";
import { makeTestBlob } from "@orlop/testkit";
import { storeBlob } from "../store/store-fixture.ts";
import { CollectFixture, makeTestImage } from "./collect-fixture.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { diskUsage } from "./disk-usage.ts";

const A1 = makeTestImage("a1");
const A2 = makeTestImage("a2");

test("what images share counts once, and what a container uses of them cannot be given back", async () => {
  using fixture = new CollectFixture();
  const { store, fake } = fixture;
  for (const [name, image] of [
    ["one", A1],
    ["one again", A1],
    ["two", A2],
  ] as const) {
    await fixture.pull(image, name);
  }
  const { id } = await store.leases.create();
  await store.leases.add(id, { kind: "snapshot", snapshotter: "fake", key: "run" });
  fake.make("run", A1.chain[1], { kind: "active" });

  const before = await diskUsage(fixture);
  const base = store.content.diskBytes(A1.layers[0]?.digest ?? "a:b") + 8192;
  const [one, two] = before.images;
  assert.deepEqual(
    [one?.names, one?.isActive, two?.names, two?.isActive],
    [["one", "one again"], true, ["two"], false],
  );
  assert.deepEqual([one?.sharedBytes, two?.sharedBytes], [base, base]);
  const [oneBytes = 0, twoBytes = 0] = before.images.map(({ sizeBytes }) => sizeBytes);
  assert.deepEqual(before.imagesSum, {
    count: 2,
    active: 1,
    sizeBytes: oneBytes + twoBytes - base,
    reclaimableBytes: twoBytes - base,
  });
  assert.deepEqual(before.containers, { count: 1, active: 1, sizeBytes: 8192, reclaimableBytes: 0 });

  await store.leases.delete(id);
  await store.images.delete("two");
  const after = await diskUsage(fixture);
  assert.deepEqual(after.containers, { count: 1, active: 0, sizeBytes: 8192, reclaimableBytes: 8192 });
  assert.equal(after.garbage.sizeBytes, twoBytes - base);
  assert.equal((await collectGarbage(fixture)).freedBytes, 8192 + twoBytes - base);
  assert.equal((await diskUsage(fixture)).garbage.count, 0);
});

test("an image that is on its way is in use, a part of a blob only while a process is at it", async () => {
  using fixture = new CollectFixture();
  const { store } = fixture;
  await fixture.pull(A1, "one");
  await fixture.pull(A2, "two");
  const { id } = await store.leases.create();
  await fixture.bring(A2, id);
  const blob = makeTestBlob("partly", 9000);
  {
    await using ingest = await store.content.ingest(blob);
    await ingest?.write(blob.bytes.subarray(0, 4000), 0);
    const { images, ingests } = await diskUsage(fixture);
    assert.deepEqual(
      images.map(({ isActive }) => isActive),
      [false, true],
    );
    assert.deepEqual([ingests.count, ingests.active, ingests.reclaimableBytes], [1, 1, 0]);
  }
  const { ingests } = await diskUsage(fixture);
  assert.deepEqual(ingests, { count: 1, active: 0, sizeBytes: 4000, reclaimableBytes: 4000 });
  await storeBlob(store.content, blob);
  assert.equal((await diskUsage(fixture)).ingests.count, 0);
});
