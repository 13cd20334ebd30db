import assert from "node:assert/strict";
import { bytesOf, makeBlob } from "./content-bench.ts";
import type { ContentStoreCase } from "./content-store-suite.ts";

const SIZE = 2_500_000;
const PART = 100_000;

/** Offsets of a blob's parts, in an order that is neither that of the blob nor its reverse. */
function shuffledOffsets(): readonly number[] {
  const count = SIZE / PART;
  return Array.from({ length: count }, (_, index) => ((index * 7 + 3) % count) * PART);
}

export const ingestCases: readonly ContentStoreCase[] = [
  {
    title: "shows nothing before it is committed",
    async check(bench) {
      const blob = makeBlob("hidden");
      await using ingest = await bench.begin(blob);
      await ingest.write(blob.bytes, 0);
      assert.equal(await bench.content.has(blob.digest), false);
      await assert.rejects(bench.content.info(blob.digest), { code: "not-found" });
      const info = await ingest.commit({ why: "test" });
      assert.deepEqual(await bench.content.info(blob.digest), info);
      assert.deepEqual([info.digest, info.sizeBytes, info.labels], [blob.digest, blob.size, { why: "test" }]);
    },
  },
  {
    title: "takes parts in any order and several at once",
    async check(bench) {
      const blob = makeBlob("parts", SIZE);
      await using ingest = await bench.begin(blob);
      const offsets = shuffledOffsets();
      await Promise.all(offsets.map((offset) => ingest.write(blob.bytes.subarray(offset, offset + PART), offset)));
      await ingest.commit();
      assert.ok((await bytesOf(bench.content.read(blob.digest))).equals(blob.bytes));
    },
  },
  {
    title: "takes a part that has come already once",
    async check(bench) {
      const blob = makeBlob("twice", SIZE);
      await using ingest = await bench.begin(blob);
      await ingest.write(blob.bytes.subarray(PART, 3 * PART), PART);
      const wrong = Buffer.alloc(3 * PART);
      blob.bytes.copy(wrong, 0, 0, PART);
      await ingest.write(wrong.subarray(0, 2 * PART), 0);
      await ingest.write(blob.bytes.subarray(2 * PART), 2 * PART);
      await ingest.commit();
      assert.ok((await bytesOf(bench.content.read(blob.digest))).equals(blob.bytes));
    },
  },
  {
    title: "tells what is missing",
    async check(bench) {
      const blob = makeBlob("missing");
      await using ingest = await bench.begin(blob);
      assert.deepEqual(ingest.missing(), [{ offset: 0, length: 1000 }]);
      await ingest.write(blob.bytes.subarray(100, 200), 100);
      await ingest.write(blob.bytes.subarray(900), 900);
      await ingest.write(blob.bytes.subarray(200, 250), 200);
      assert.deepEqual(ingest.missing(), [
        { offset: 0, length: 100 },
        { offset: 250, length: 650 },
      ]);
      await assert.rejects(ingest.commit(), { code: "invalid" });
      assert.equal(await bench.content.has(blob.digest), false);
    },
  },
  {
    title: "refuses bytes past the end",
    async check(bench) {
      const blob = makeBlob("end");
      await using ingest = await bench.begin(blob);
      await assert.rejects(ingest.write(Buffer.alloc(1), 1000), { code: "invalid" });
      await assert.rejects(ingest.write(Buffer.alloc(1001), 0), { code: "invalid" });
      await assert.rejects(ingest.write(Buffer.alloc(1), -1), { code: "invalid" });
      assert.deepEqual(ingest.missing(), [{ offset: 0, length: 1000 }]);
    },
  },
  {
    title: "drops content of another digest, and begins anew",
    async check(bench) {
      const blob = makeBlob("true", SIZE);
      {
        await using ingest = await bench.begin(blob);
        const wrong = Buffer.from(blob.bytes);
        wrong[SIZE - 1] = (wrong[SIZE - 1] ?? 0) ^ 1;
        await ingest.write(wrong, 0);
        await assert.rejects(ingest.commit(), { code: "invalid", message: new RegExp(blob.digest) });
        assert.equal(await bench.content.has(blob.digest), false);
        assert.deepEqual(await Array.fromAsync(bench.content.ingests()), []);
      }
      await using next = await bench.begin(blob);
      assert.deepEqual(next.missing(), [{ offset: 0, length: SIZE }]);
      await next.write(blob.bytes, 0);
      await next.commit();
      assert.equal(await bench.content.has(blob.digest), true);
    },
  },
  {
    title: "goes on where an ingest was left",
    async check(bench) {
      const blob = makeBlob("resumed", SIZE);
      {
        await using ingest = await bench.begin(blob);
        await ingest.write(blob.bytes.subarray(0, PART), 0);
        await ingest.write(blob.bytes.subarray(PART * 2, PART * 3), PART * 2);
      }
      const other = await bench.another();
      await using next = await bench.begin(blob, other);
      const missing = next.missing();
      assert.deepEqual(missing, [
        { offset: PART, length: PART },
        { offset: PART * 3, length: SIZE - PART * 3 },
      ]);
      for (const { offset, length } of missing) await next.write(blob.bytes.subarray(offset, offset + length), offset);
      await next.commit();
      assert.ok((await bytesOf(bench.content.read(blob.digest))).equals(blob.bytes));
    },
  },
  {
    title: "begins anew for another size of the same digest",
    async check(bench) {
      const blob = makeBlob("size");
      {
        await using ingest = await bench.begin({ ...blob, size: 5000 });
        await ingest.write(blob.bytes, 0);
      }
      await using next = await bench.begin(blob);
      assert.deepEqual(next.missing(), [{ offset: 0, length: 1000 }]);
    },
  },
  {
    title: "can be followed from the beginning while parts come",
    async check(bench) {
      const blob = makeBlob("followed", SIZE);
      await using ingest = await bench.begin(blob);
      const followers = [bytesOf(ingest.follow()), bytesOf(ingest.follow())];
      for (const offset of shuffledOffsets()) await ingest.write(blob.bytes.subarray(offset, offset + PART), offset);
      followers.push(bytesOf(ingest.follow()));
      await ingest.commit();
      followers.push(bytesOf(ingest.follow()));
      for (const followed of followers) assert.ok((await followed).equals(blob.bytes));
    },
  },
  {
    title: "gives followers what is there before the rest comes",
    async check(bench) {
      const blob = makeBlob("early");
      await using ingest = await bench.begin(blob);
      await ingest.write(blob.bytes.subarray(0, 300), 0);
      const followed = ingest.follow()[Symbol.asyncIterator]();
      const first = await followed.next();
      assert.ok(blob.bytes.subarray(0, 300).equals(first.value));
      await ingest.write(blob.bytes.subarray(300), 300);
      const second = await followed.next();
      assert.ok(blob.bytes.subarray(300).equals(second.value));
      assert.equal((await followed.next()).done, true);
    },
  },
  {
    title: "fails followers when it is left",
    async check(bench) {
      const blob = makeBlob("left");
      const ingest = await bench.begin(blob);
      await ingest.write(blob.bytes.subarray(0, 300), 0);
      const followed = assert.rejects(bytesOf(ingest.follow()), { code: "failed" });
      await ingest[Symbol.asyncDispose]();
      await followed;
      await assert.rejects(bytesOf(ingest.follow()), { code: "failed" });
      await assert.rejects(ingest.write(blob.bytes, 0), { code: "conflict" });
      await assert.rejects(ingest.commit(), { code: "conflict" });
    },
  },
];
