import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { suite, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import {
  type Digest,
  type ErrorCode,
  MEDIA_TYPE_IMAGE_LAYER,
  MEDIA_TYPE_IMAGE_LAYER_GZIP,
  MEDIA_TYPE_IMAGE_LAYER_ZSTD,
} from "@orlop/core";
import { makeTar } from "@orlop/testkit";
import { LAYER_LIMITS, type LayerLimits } from "./layer-limits.ts";
import { type ReadLayerOptions, readLayer, type StoredLayer } from "./read-layer.ts";

const FILES = makeTar([
  { path: "d", type: "5" },
  { path: "d/f", content: "hello" },
  { path: "g", content: "x".repeat(3000) },
]);
const GIB = 1024 ** 3;

function digestOf(bytes: Buffer): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function inPieces(bytes: Buffer, pieceBytes = 100): StoredLayer["chunks"] {
  return async function* () {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  };
}

/** Paths, with the lengths of what they have. */
async function read(layer: StoredLayer, options?: ReadLayerOptions): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { path, content } of readLayer(layer, options)) {
    let length = 0;
    for await (const chunk of content()) length += chunk.length;
    found.push(`${path} ${length}`);
  }
  return found;
}

function stored(bytes: Buffer, mediaType: string, archive: Buffer = FILES): StoredLayer {
  return { name: "x", diffId: digestOf(archive), mediaType, chunks: inPieces(bytes) };
}

const WAYS: readonly (readonly [mediaType: string, compress: (bytes: Buffer) => Buffer])[] = [
  [MEDIA_TYPE_IMAGE_LAYER, (bytes) => bytes],
  [MEDIA_TYPE_IMAGE_LAYER_GZIP, (bytes) => gzipSync(bytes)],
  [MEDIA_TYPE_IMAGE_LAYER_ZSTD, (bytes) => zstdCompressSync(bytes)],
];

suite("reading a layer", () => {
  for (const [mediaType, compress] of WAYS) {
    test(`gives the entries of one of ${mediaType}`, async () => {
      assert.deepEqual(await read(stored(compress(FILES), mediaType)), ["d 0", "d/f 5", "g 3000"]);
    });

    test(`shows the archive of one of ${mediaType} as a whole, whoever reads what is in it`, async () => {
      const layer = readLayer(stored(compress(FILES), mediaType));
      const seen: Buffer[] = [];
      layer.watchArchive?.((chunk) => seen.push(chunk));
      for await (const { contentAt, size } of layer) {
        assert.ok(Buffer.concat(seen).length <= FILES.length && (contentAt ?? 0) + size <= FILES.length);
      }
      assert.deepEqual(Buffer.concat(seen), FILES);
    });

    test(`lends what is in one of ${mediaType}, and takes it back`, async () => {
      const content = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * index) >> 7));
      const xattr = Buffer.from("kept with the entry");
      const archive = makeTar([
        { path: "short", pax: { "SCHILY.xattr.user.a": xattr } },
        { path: "long", content },
        { path: "x".repeat(99), pax: { "SCHILY.xattr.user.a": xattr } },
        { path: "longer", content: Buffer.concat([content, content]) },
      ]);
      const packed = compress(archive);
      async function* chunks(): AsyncGenerator<Buffer> {
        for (let at = 0; at < packed.length; at += 700_000) yield Buffer.from(packed.subarray(at, at + 700_000));
      }
      const layer = readLayer({ ...stored(packed, mediaType, archive), chunks, ownsChunks: true });
      layer.lendChunks?.();
      const lent: Buffer[] = [];
      const found: [path: string, digest: Digest, xattr: Buffer | undefined][] = [];
      for await (const { path, xattrs, content } of layer) {
        const hash = createHash("sha256");
        for await (const chunk of content()) {
          lent.push(chunk);
          hash.update(chunk);
        }
        found.push([path, `sha256:${hash.digest("hex")}`, xattrs.get("user.a")]);
      }
      const nothing = Buffer.alloc(0);
      assert.deepEqual(found, [
        ["short", digestOf(nothing), xattr],
        ["long", digestOf(content), undefined],
        ["x".repeat(99), digestOf(nothing), xattr],
        ["longer", digestOf(Buffer.concat([content, content])), undefined],
      ]);
      const isGone = (chunk: Buffer): boolean => chunk.length === 0;
      assert.equal(lent.some(isGone), mediaType !== MEDIA_TYPE_IMAGE_LAYER);
    });

    test(`refuses one of ${mediaType} that is cut anywhere`, async () => {
      const whole = compress(FILES);
      const step = Math.ceil(whole.length / 200);
      for (let length = 0; length < whole.length; length += step) {
        // A cut in the padding, or between two entries, is found by what the archive hashes to.
        const layer = {
          ...stored(whole.subarray(0, length), mediaType),
          chunks: inPieces(whole.subarray(0, length), 4096),
        };
        await assert.rejects(read(layer), { code: "invalid" }, `${length}`);
      }
    });

    test(`refuses one of ${mediaType} with anything behind its end`, async () => {
      const layer = stored(Buffer.concat([compress(FILES), Buffer.from("more")]), mediaType);
      await assert.rejects(read(layer), { code: "invalid" });
    });

    test(`refuses one of ${mediaType} that is another than its config says`, async () => {
      const layer = { ...stored(compress(FILES), mediaType), diffId: digestOf(Buffer.from("other")) };
      const message = /^Cannot use layer "x": unpacked it hashes to /;
      await assert.rejects(read(layer), { code: "invalid", operation: "unpack layer", message });
    });
  }

  test("takes one that was compressed in several parts", async () => {
    const parts = [FILES.subarray(0, 700), FILES.subarray(700)];
    const gzip = Buffer.concat(parts.map((part) => gzipSync(part)));
    assert.equal((await read(stored(gzip, MEDIA_TYPE_IMAGE_LAYER_GZIP))).length, 3);
    // A frame that is none, as those have that can be read from the middle (RFC 8878, section 3.1.2).
    const skipped = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
    const [first, second] = parts.map((part) => zstdCompressSync(part));
    const zstd = Buffer.concat([first as Buffer, skipped, second as Buffer]);
    assert.equal((await read(stored(zstd, MEDIA_TYPE_IMAGE_LAYER_ZSTD))).length, 3);
  });

  test("ends when its caller gives up", async () => {
    const signal = AbortSignal.abort();
    await assert.rejects(read(stored(FILES, MEDIA_TYPE_IMAGE_LAYER), { signal }), { code: "cancelled" });
  });
});

suite("the limits of a layer", () => {
  const expectRefused = async (
    archive: Buffer,
    limits: Partial<LayerLimits>,
    message: RegExp,
    code: ErrorCode = "exhausted",
  ): Promise<void> => {
    const layer = stored(gzipSync(archive), MEDIA_TYPE_IMAGE_LAYER_GZIP, archive);
    await assert.rejects(read(layer, { limits: { ...LAYER_LIMITS, ...limits } }), { code, message });
  };

  test("are told in the error", async () => {
    await expectRefused(FILES, { entriesMax: 2 }, /^Cannot unpack layer "x": it has more than 2 entries$/);
    await expectRefused(FILES, { fileMaxBytes: 2999 }, /"g" has 3000 bytes, and a file may have 2999/);
    await expectRefused(FILES, { unpackedMaxBytes: 3004 }, /more than 3004 bytes unpacked/);
    const zeros = makeTar([{ path: "z", content: Buffer.alloc(1_000_000) }]);
    const ratio = { ratioFreeBytes: 10_000, ratioMax: 200 };
    await expectRefused(zeros, ratio, /bytes unpacked, more than 200 times the \d+ stored/);
  });

  test("are on the memory that names and attributes take, which would end the process", async () => {
    const archive = makeTar(Array.from({ length: 256 }, (_, index) => ({ path: `${index}`, content: "" })));
    await expectRefused(
      archive,
      { memoryShareMax: 0, memoryFreeEntries: 0 },
      /"x": with 256 of its entries \d+ MiB of \d+ MiB of memory are in use$/,
    );
  });

  test("let a layer have what they say", async () => {
    const limits = { ...LAYER_LIMITS, entriesMax: 3, fileMaxBytes: 3000, unpackedMaxBytes: FILES.length };
    assert.equal((await read(stored(FILES, MEDIA_TYPE_IMAGE_LAYER), { limits })).length, 3);
  });

  /** A file of holes. */
  const holes = (sizeBytes: number): Buffer =>
    makeTar([{ path: "h", pax: { "GNU.sparse.map": "", "GNU.sparse.size": `${sizeBytes}` } }]);

  test("refuse a hundred gigabytes of zeros in a hundred kilobytes before any of them is written", async () => {
    await expectRefused(holes(100 * GIB), {}, /107374182400 bytes unpacked, more than 1100 times/);
    await expectRefused(holes(200 * GIB), {}, /a file may have 137438953472/);
    // The first frame is all that has to be looked at.
    const frame = zstdCompressSync(Buffer.alloc(1 << 26));
    const begin = makeTar([{ path: "z", content: Buffer.alloc(1 << 26) }]).subarray(0, 512);
    const frames = Buffer.concat([zstdCompressSync(begin), ...Array.from({ length: 10 }, () => frame)]);
    const limits = { ...LAYER_LIMITS, ratioFreeBytes: 1 << 27 };
    const chunks = inPieces(frames, 64);
    const layer = { ...stored(frames, MEDIA_TYPE_IMAGE_LAYER_ZSTD), chunks };
    await assert.rejects(read(layer, { limits }), { code: "exhausted", message: /more than 1100 times/ });
  });

  test("let a large layer have a file of holes", async () => {
    const archive = holes(100 * GIB);
    const layer = { ...stored(archive, MEDIA_TYPE_IMAGE_LAYER, archive), sizeBytes: GIB };
    const sizes: number[] = [];
    for await (const { size } of readLayer(layer)) sizes.push(size);
    assert.deepEqual(sizes, [100 * GIB]);
  });

  test("let gzip do what it can", async () => {
    const zeros = makeTar([{ path: "z", content: Buffer.alloc(1 << 25) }]);
    const layer = stored(gzipSync(zeros, { level: 9 }), MEDIA_TYPE_IMAGE_LAYER_GZIP, zeros);
    assert.deepEqual(await read(layer, { limits: { ...LAYER_LIMITS, ratioFreeBytes: 1 << 20 } }), ["z 33554432"]);
  });

  test("are on headers in front of an entry, too", async () => {
    const long = "y".repeat(1000);
    const extended = makeTar([
      { path: "f", pax: Object.fromEntries([1, 2].map((n) => [`SCHILY.xattr.user.${n}`, long])) },
    ]);
    const header = extended.subarray(0, extended.length - 3 * 512);
    const archive = Buffer.concat([...Array.from({ length: 600 }, () => header), FILES]);
    await expectRefused(archive, {}, /extended headers have more than 1048576 bytes/, "invalid");
    const global = Buffer.concat([
      ...Array.from({ length: 9 }, () =>
        makeTar([{ path: "g", type: "g", content: `9999 k=${"z".repeat(9991)}\n` }]),
      ).map((each) => each.subarray(0, -1024)),
      FILES,
    ]);
    await expectRefused(global, {}, /extended headers have more than 65536 bytes/, "invalid");
  });
});
