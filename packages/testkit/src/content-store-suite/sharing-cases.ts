import assert from "node:assert/strict";
import { bytesOf, makeBlob } from "./content-bench.ts";
import type { ContentStoreCase } from "./content-store-suite.ts";

export const sharingCases: readonly ContentStoreCase[] = [
  {
    title: "shows a blob to all stores of the directory",
    async check(bench) {
      const blob = makeBlob("shared");
      const other = await bench.another();
      assert.equal(await other.has(blob.digest), false);
      await bench.store(blob, { from: "first" });
      assert.deepEqual(await other.info(blob.digest), await bench.content.info(blob.digest));
      assert.ok((await bytesOf(other.read(blob.digest))).equals(blob.bytes));
      await other.delete(blob.digest);
      assert.equal(await bench.content.has(blob.digest), false);
    },
  },
  {
    title: "has nobody take in what is there",
    async check(bench) {
      const blob = makeBlob("there");
      await bench.store(blob);
      assert.equal(await bench.content.ingest(blob), undefined);
      assert.equal(await (await bench.another()).ingest(blob), undefined);
      assert.deepEqual(await Array.fromAsync(bench.content.ingests()), []);
    },
  },
  {
    title: "has those who want the same blob wait, and do the work once",
    async check(bench) {
      const blob = makeBlob("once");
      const stores = [bench.content, bench.content, await bench.another(), await bench.another()];
      await using ingest = await bench.begin(blob);
      const waits = stores.map(() => Promise.withResolvers<void>());
      const waiting = stores.map((store, index) => store.ingest(blob, { onWait: () => waits[index]?.resolve() }));
      await Promise.all(waits.map(({ promise }) => promise));
      await ingest.write(blob.bytes, 0);
      await ingest.commit();
      assert.deepEqual(await Promise.all(waiting), [undefined, undefined, undefined, undefined]);
    },
  },
  {
    title: "hands an ingest that is left to one of those who wait",
    async check(bench) {
      const blob = makeBlob("handed");
      for (const store of [bench.content, await bench.another()]) {
        const ingest = await bench.begin(blob);
        await ingest.write(blob.bytes.subarray(0, 400), 0);
        const { promise: waits, resolve } = Promise.withResolvers<void>();
        const waiting = store.ingest(blob, { onWait: resolve });
        await waits;
        await ingest[Symbol.asyncDispose]();
        await using next = await waiting;
        assert.deepEqual(next?.missing(), [{ offset: 400, length: 600 }]);
      }
    },
  },
  {
    title: "stops waiting when it is told to",
    async check(bench) {
      const blob = makeBlob("aborted");
      await using ingest = await bench.begin(blob);
      for (const store of [bench.content, await bench.another()]) {
        const controller = new AbortController();
        const waiting = store.ingest(blob, { signal: controller.signal, onWait: () => controller.abort() });
        await assert.rejects(waiting, { code: "cancelled" });
        await assert.rejects(store.ingest(blob, { signal: controller.signal }), { code: "cancelled" });
      }
      await ingest.write(blob.bytes, 0);
      await ingest.commit();
    },
  },
  {
    title: "takes in different blobs side by side",
    async check(bench) {
      const blobs = Array.from({ length: 8 }, (_, index) => makeBlob(`side${index}`, 50_000));
      const stores = [bench.content, await bench.another()];
      const ingests = await Promise.all(blobs.map((blob, index) => bench.begin(blob, stores[index % 2])));
      await Promise.all(
        ingests.map(async (ingest, index) => {
          await ingest.write(blobs[index]?.bytes ?? Buffer.alloc(0), 0);
          await ingest.commit();
        }),
      );
      for (const { digest } of blobs) assert.equal(await bench.content.has(digest), true);
    },
  },
  {
    title: "tells of ingests, those that are being worked at and those that are left",
    async check(bench) {
      const [left, active] = [makeBlob("idle"), makeBlob("active")];
      {
        await using ingest = await bench.begin(left);
        await ingest.write(left.bytes.subarray(0, 10), 0);
      }
      const other = await bench.another();
      await using ingest = await bench.begin(active);
      const found = (await Array.fromAsync(other.ingests())).map((each) => ({ ...each, startedAtMs: 0 }));
      const common = { sizeBytes: 1000, startedAtMs: 0 };
      assert.deepEqual(
        found.sort((a, b) => Number(a.active) - Number(b.active)),
        [
          { ...common, digest: left.digest, writtenBytes: 10, active: false },
          { ...common, digest: active.digest, writtenBytes: 0, active: true },
        ],
      );
      assert.equal(ingest.digest, active.digest);
    },
  },
  {
    title: "gives up what is partly there, unless somebody is at it",
    async check(bench) {
      const blob = makeBlob("given-up");
      const ingest = await bench.begin(blob);
      await ingest.write(blob.bytes.subarray(0, 10), 0);
      for (const store of [bench.content, await bench.another()]) await store.abort(blob.digest);
      await ingest[Symbol.asyncDispose]();
      assert.equal((await Array.fromAsync(bench.content.ingests())).length, 1);
      await bench.content.abort(blob.digest);
      assert.deepEqual(await Array.fromAsync(bench.content.ingests()), []);
      await using next = await bench.begin(blob);
      assert.deepEqual(next.missing(), [{ offset: 0, length: 1000 }]);
    },
  },
];
