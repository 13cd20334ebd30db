import assert from "node:assert/strict";
import { test } from "node:test";
import { LABEL_GC_REF_CONTENT } from "@orlop/core";
import { makeTestBlob } from "@orlop/testkit";
import { storeBlob } from "../store/store-fixture.ts";
import { CollectFixture } from "./collect-fixture.ts";
import { collectWith } from "./collect-garbage.ts";

const BLOBS = 20;

test("looks at all once, and after a change of others at what they have changed", async () => {
  using fixture = new CollectFixture();
  using other = new CollectFixture(fixture.root);
  const blobs = Array.from({ length: BLOBS }, (_, index) => makeTestBlob(`garbage ${index}`));
  for (const blob of blobs) await storeBlob(fixture.store.content, blob);
  const { content } = fixture.store;
  let looks = 0;
  const rows = content.rows.bind(content);
  content.rows = () => {
    looks++;
    return rows();
  };
  let made = 0;
  const kept: string[] = [];
  const at = async (point: string): Promise<void> => {
    if (point !== "remove rows") return;
    const wanted = blobs.find(({ digest }) => !kept.includes(digest) && rows().some((row) => row.digest === digest));
    const { id } = await other.store.leases.create();
    const parent = makeTestBlob(`parent ${made++}`);
    await other.store.leases.add(id, { kind: "content", digest: parent.digest });
    if (made > 3 || wanted === undefined) return;
    await storeBlob(other.store.content, parent, { [LABEL_GC_REF_CONTENT]: wanted.digest });
    kept.push(wanted.digest);
  };
  const { removed } = await collectWith(fixture, {}, { at, batch: 2 });
  assert.equal(kept.length, 3);
  assert.equal(removed.length, BLOBS - kept.length);
  for (const { digest } of rows()) assert.ok(kept.includes(digest) || !blobs.some((blob) => blob.digest === digest));
  assert.equal(looks, 1);
  for (const table of ["gc_collections", "gc_changes"]) {
    assert.deepEqual(fixture.store.database.all(`select * from ${table}`), [], table);
  }
});

test("notes nothing while nobody collects, and clears what a collection has left that was killed", async () => {
  using fixture = new CollectFixture();
  const { store } = fixture;
  await storeBlob(store.content, makeTestBlob("one"));
  const changes = (): number => store.database.all("select * from gc_changes").length;
  assert.equal(changes(), 0);
  const leave = (): number => store.database.run("insert into gc_collections values ('gone', 'another boot/1-1')");
  store.database.transaction(leave);
  await storeBlob(store.content, makeTestBlob("two"));
  assert.equal(changes(), 1);
  await collectWith(fixture, {});
  assert.equal(changes(), 0);
  assert.deepEqual(store.database.all("select * from gc_collections"), []);
});
