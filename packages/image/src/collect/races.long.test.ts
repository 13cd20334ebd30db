import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { after, describe, test } from "node:test";
import { LABEL_GC_REF_CONTENT, LABEL_GC_ROOT, OrlopError } from "@orlop/core";
import { makeTestBlob, temporaryDirectory } from "@orlop/testkit";
import { storeBlob } from "../store/store-fixture.ts";
import { CollectFixture, makeTestImage, targetOf } from "./collect-fixture.ts";
import { collectGarbage, collectWith } from "./collect-garbage.ts";

const GARBAGE = makeTestImage("a1");
/** Shares a layer with the garbage. */
const KEPT = makeTestImage("a2");

/** What somebody else does; what it found there has to be there in the end, and is told as digests and keys. */
type Deed = (other: CollectFixture) => Promise<readonly string[]>;

const IMAGE = [...[GARBAGE.manifest, GARBAGE.config, ...GARBAGE.layers].map(({ digest }) => digest), ...GARBAGE.chain];
const { manifest, config } = GARBAGE;

async function keep(other: CollectFixture, digest: typeof manifest.digest): Promise<boolean> {
  const { id } = await other.store.leases.create();
  await other.store.leases.add(id, { kind: "content", digest });
  return await other.store.content.has(digest);
}

const DEEDS: Readonly<Record<string, Deed>> = {
  "keeps a manifest by a lease": async (other) => ((await keep(other, manifest.digest)) ? IMAGE : []),
  "keeps a config by a lease": async (other) =>
    (await keep(other, config.digest)) ? [config.digest, ...GARBAGE.chain] : [],
  "keeps a layer by a lease": async (other) => {
    const [, top] = GARBAGE.layers;
    return top !== undefined && (await keep(other, top.digest)) ? [top.digest] : [];
  },
  "gives an image another name": async (other) => {
    const { id } = await other.store.leases.create();
    await other.store.leases.add(id, { kind: "content", digest: manifest.digest });
    const isThere = await other.store.content.has(manifest.digest);
    if (isThere) await other.store.images.put("tagged", targetOf(GARBAGE));
    await other.store.leases.delete(id);
    return isThere ? IMAGE : [];
  },
  "pulls the same image": async (other) => {
    await other.pull(GARBAGE, "pulled");
    return IMAGE;
  },
  "pulls one that shares layers with it": async (other) => {
    const sibling = makeTestImage("a3");
    await other.pull(sibling, "pulled");
    return [sibling.manifest.digest, sibling.config.digest, ...sibling.layers.map(({ digest }) => digest)];
  },
  "starts a container on a snapshot": async (other) => {
    const { id } = await other.store.leases.create();
    await other.store.leases.add(id, { kind: "snapshot", snapshotter: "fake", key: "run" });
    try {
      other.fake.make("run", GARBAGE.chain[1], { kind: "active" });
    } catch (error) {
      assert.ok(error instanceof OrlopError && error.code === "not-found", String(error));
      return [];
    }
    return ["run", ...GARBAGE.chain];
  },
  "keeps a snapshot by a lease": async (other) => {
    const { id } = await other.store.leases.create();
    const [base = "", top = ""] = GARBAGE.chain;
    await other.store.leases.add(id, { kind: "snapshot", snapshotter: "fake", key: top });
    return other.fake.has(top) ? [base, top] : [];
  },
  "refers to a layer by a label": async (other) => {
    const { id } = await other.store.leases.create();
    const [, top] = GARBAGE.layers;
    const parent = makeTestBlob("parent");
    if (top === undefined) return [];
    for (const { digest } of [parent, top]) await other.store.leases.add(id, { kind: "content", digest });
    if (!(await other.store.content.has(top.digest))) return [];
    await storeBlob(other.store.content, parent, { [LABEL_GC_REF_CONTENT]: top.digest });
    await other.store.leases.remove(id, { kind: "content", digest: top.digest });
    return [parent.digest, top.digest];
  },
  "labels the manifest as a root": async (other) => {
    try {
      await other.store.content.setLabels(manifest.digest, { [LABEL_GC_ROOT]: "2026" });
      return IMAGE;
    } catch (error) {
      assert.ok(error instanceof OrlopError && error.code === "not-found", String(error));
      return [];
    }
  },
  "collects as well": async (other) => {
    await collectGarbage(other);
    return [];
  },
};

/** Those that the database tells of in another way. */
const IN_SAME_PROCESS: ReadonlySet<string> = new Set([
  "keeps a manifest by a lease",
  "pulls the same image",
  "starts a container on a snapshot",
  "collects as well",
]);

async function isThere({ store, fake }: CollectFixture, name: string): Promise<boolean> {
  return name.startsWith("sha256:") ? await store.content.has(name as typeof manifest.digest) : fake.has(name);
}

const template = new CollectFixture();
after(() => template[Symbol.dispose]());
await template.pull(GARBAGE, "garbage");
await template.pull(KEPT, "kept");
await template.store.images.delete("garbage");
template.store.close();

/** Whether the collection came to its point number N. */
async function runRace(deed: Deed, point: number, isSameProcess: boolean): Promise<boolean> {
  using directory = temporaryDirectory();
  cpSync(template.root, directory.path, { recursive: true });
  using fixture = new CollectFixture(directory.path);
  using other = new CollectFixture(directory.path);
  let points = 0;
  let found: readonly string[] = [];
  const at = async (name: string): Promise<void> => {
    if (++points !== point) return;
    found = await deed(isSameProcess ? fixture : other);
    for (const each of found) assert.ok(await isThere(fixture, each), `${each} was not there at "${name}"`);
  };
  await collectWith(fixture, { leftoverAgeMs: 0 }, { at, batch: 1 });
  for (const each of found) assert.ok(await isThere(fixture, each), `${each} went, at point ${point}`);
  assert.deepEqual(await fixture.missing(KEPT), []);
  // Nothing of what others did makes anything stay.
  const { database } = fixture.store;
  database.transaction(
    () => {
      for (const table of ["images", "leases"]) database.run(`delete from ${table}`);
      database.run("update blobs set labels = json_remove(labels, ?)", `$."${LABEL_GC_ROOT}"`);
    },
    { durable: false },
  );
  await collectWith(fixture, { leftoverAgeMs: 0 }, { batch: 2 });
  assert.deepEqual([fixture.store.content.rows(), fixture.fake.records(), fixture.fake.files()], [[], [], []]);
  return points >= point;
}

describe("what is found during a collection stays, at each of its steps, when somebody", () => {
  for (const [name, deed] of Object.entries(DEEDS)) {
    for (const isSameProcess of IN_SAME_PROCESS.has(name) ? [false, true] : [false]) {
      test(`${name}, in ${isSameProcess ? "the same process" : "another one"}`, async () => {
        let point = 1;
        while (await runRace(deed, point, isSameProcess)) point++;
        assert.ok(point > 12, `there were only ${point} points`);
      });
    }
  }
});

test("what is removed is removed by one of several collections alone, and told once", async () => {
  using fixture = new CollectFixture();
  using other = new CollectFixture(fixture.root);
  await fixture.pull(GARBAGE, "garbage");
  await fixture.store.images.delete("garbage");
  const both = await Promise.all([fixture, other].map((each) => collectWith(each, {}, { batch: 1 })));
  const names = both.flatMap(({ removed }) => removed.map(({ name }) => name));
  assert.deepEqual(names.sort(), [...IMAGE].sort());
});
