import assert from "node:assert/strict";
import { bytesOf, digestOf, makeBlob } from "./content-bench.ts";
import type { ContentStoreCase } from "./content-store-suite.ts";

/** Larger than any buffer that a store reads with. */
const LARGE_BYTES = 3_000_001;

export const blobCases: readonly ContentStoreCase[] = [
  {
    title: "gives back what it has taken in",
    async check(bench) {
      for (const blob of [makeBlob("small"), makeBlob("large", LARGE_BYTES), makeBlob("other", 5000, "sha512")]) {
        await bench.store(blob);
        assert.equal(await bench.content.has(blob.digest), true);
        assert.ok((await bytesOf(bench.content.read(blob.digest))).equals(blob.bytes), blob.digest);
      }
    },
  },
  {
    title: "takes in a blob of no bytes",
    async check(bench) {
      const empty = makeBlob("", 0);
      await using ingest = await bench.begin(empty);
      assert.deepEqual(ingest.missing(), []);
      await ingest.commit();
      assert.equal((await bench.content.info(empty.digest)).sizeBytes, 0);
      assert.equal((await bytesOf(bench.content.read(empty.digest))).length, 0);
    },
  },
  {
    title: "gives ranges of a blob, and refuses those beyond its end",
    async check(bench) {
      const blob = makeBlob("ranges", LARGE_BYTES);
      await bench.store(blob);
      for (const [offset, length] of [
        [0, 1],
        [17, 100_000],
        [1_000_000, 2_000_001],
        [LARGE_BYTES, 0],
      ] as const) {
        const read = await bytesOf(bench.content.read(blob.digest, { offset, length }));
        assert.ok(read.equals(blob.bytes.subarray(offset, offset + length)), `${length} from ${offset} on`);
      }
      const beyond = bytesOf(bench.content.read(blob.digest, { offset: LARGE_BYTES - 1, length: 2 }));
      await assert.rejects(beyond, { code: "invalid" });
      await assert.rejects(bytesOf(bench.content.read(blob.digest, { offset: -1, length: 1 })), { code: "invalid" });
    },
  },
  {
    title: "does not find what it does not hold",
    async check({ content }) {
      const { digest } = makeBlob("nowhere");
      assert.equal(await content.has(digest), false);
      await assert.rejects(content.info(digest), { code: "not-found" });
      await assert.rejects(content.setLabels(digest, { a: "1" }), { code: "not-found" });
      await assert.rejects(bytesOf(content.read(digest)), { code: "not-found" });
      await content.delete(digest);
      await content.abort(digest);
      assert.deepEqual(await Array.fromAsync(content.list()), []);
    },
  },
  {
    title: "deletes a blob, which can come again",
    async check(bench) {
      const blob = makeBlob("deleted");
      await bench.store(blob, { first: "1" });
      await bench.content.delete(blob.digest);
      assert.equal(await bench.content.has(blob.digest), false);
      await assert.rejects(bytesOf(bench.content.read(blob.digest)), { code: "not-found" });
      await bench.store(blob);
      assert.deepEqual((await bench.content.info(blob.digest)).labels, {});
    },
  },
  {
    title: "lists blobs with their sizes and labels",
    async check(bench) {
      const blobs = ["a", "b", "c"].map((seed, index) => makeBlob(seed, 10 * index + 1));
      for (const blob of blobs) await bench.store(blob, { seed: String(blob.size) });
      const listed = await Array.fromAsync(bench.content.list());
      const facts = listed.map(({ digest, sizeBytes, labels }) => `${digest} ${sizeBytes} ${labels.seed}`);
      assert.deepEqual(facts.sort(), blobs.map(({ digest, size }) => `${digest} ${size} ${size}`).sort());
    },
  },
  {
    title: "sets labels, and removes those without a value",
    async check(bench) {
      const { digest } = makeBlob("labels");
      await bench.store(makeBlob("labels"), { kept: "1", changed: "1", removed: "1" });
      const changed = await bench.content.setLabels(digest, { changed: "2", removed: undefined, added: "3", ȳ: "ø" });
      assert.deepEqual(changed.labels, { kept: "1", changed: "2", added: "3", ȳ: "ø" });
      assert.deepEqual((await bench.content.info(digest)).labels, changed.labels);
    },
  },
  {
    title: "refuses another size of what it has",
    async check(bench) {
      const { content } = bench;
      const blob = makeBlob("sized");
      await bench.store(blob);
      const { digest, size } = blob;
      for (const other of [size - 1, size + 1, 0]) {
        await assert.rejects(content.ingest({ digest, size: other }), { code: "invalid", operation: "store blob" });
      }
      assert.equal(await content.ingest({ digest, size }), undefined);
    },
  },
  {
    title: "refuses digests that it cannot verify, and those that are none",
    async check({ content }) {
      const refused = (digest: string): Promise<unknown> => content.ingest({ digest: digest as "a:b", size: 1 });
      await assert.rejects(refused("md5:d41d8cd98f00b204e9800998ecf8427e"), { code: "unsupported" });
      await assert.rejects(refused(`blake3:${"0".repeat(64)}`), { code: "unsupported" });
      for (const digest of ["sha256:../../etc/passwd", "sha256:abc", "sha256", `sha256:${"A".repeat(64)}`, ""]) {
        await assert.rejects(refused(digest), { code: "invalid" }, digest);
      }
      for (const size of [-1, 0.5, Number.NaN, 2 ** 60]) {
        await assert.rejects(content.ingest({ digest: digestOf(Buffer.from("x")), size }), { code: "invalid" });
      }
    },
  },
];
