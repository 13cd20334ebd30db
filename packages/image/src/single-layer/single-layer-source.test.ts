import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { decodeImageConfig, decodeManifest, type ImageConfig, parsePlatform } from "@orlop/core";
import { makeTar, withTemporaryDirectory } from "@orlop/testkit";
import { readLayer } from "../layer/read-layer.ts";
import type { FilesSource } from "../layout/files-source.ts";
import { openDirectoryImage, openTarImage, type SingleLayerOptions } from "./single-layer-source.ts";

const OPTIONS: SingleLayerOptions = { platform: parsePlatform("linux/arm64/v9"), config: { Cmd: ["sh"] } };
const TAR = makeTar([
  { path: "d/", type: "5" },
  { path: "d/f", content: "x".repeat(1000) },
]);

interface Read {
  readonly config: ImageConfig;
  readonly mediaType: string;
  readonly paths: readonly string[];
  readonly digest: string;
}

/** Layers are verified as they are read. */
async function readImage(source: FilesSource): Promise<Read> {
  const { target } = source.image();
  const manifest = decodeManifest(await source.document(target));
  const config = decodeImageConfig(await source.document(manifest.config));
  const [layer] = manifest.layers;
  const [diffId] = config.rootfs.diff_ids;
  assert.ok(layer !== undefined && diffId !== undefined && manifest.layers.length === 1);
  const stored = Buffer.concat(await Array.fromAsync(source.blob(layer)));
  assert.equal(`sha256:${createHash("sha256").update(stored).digest("hex")}`, layer.digest);
  const entries = readLayer({ name: "x", diffId, mediaType: layer.mediaType, chunks: () => source.blob(layer) });
  const paths = (await Array.fromAsync(entries)).map(({ path }) => path);
  return { config, mediaType: layer.mediaType, paths, digest: target.digest };
}

function missing(program: string): string | false {
  const found = (process.env.PATH ?? "").split(":").some((directory) => existsSync(join(directory, program)));
  return found ? false : `${program} is not installed`;
}

describe("an archive of a root file system", () => {
  test("is an image of one layer, which is the archive as it is", () =>
    withTemporaryDirectory(async (directory) => {
      const types = { "": TAR, "+gzip": gzipSync(TAR), "+zstd": zstdCompressSync(TAR) };
      for (const [suffix, bytes] of Object.entries(types)) {
        const path = join(directory, `root${suffix}`);
        writeFileSync(path, bytes);
        const digests: string[] = [];
        for (const input of [path, createReadStream(path)]) {
          await using source = await openTarImage(input, { ...OPTIONS, imageName: "a", temporaryDirectory: directory });
          assert.equal(source.image().name, "docker.io/library/a:latest");
          const { config, mediaType, paths, digest } = await readImage(source);
          assert.deepEqual(paths, ["d/", "d/f"]);
          assert.ok(mediaType.endsWith(`.tar${suffix}`));
          assert.deepEqual([config.config, config.variant, config.created], [{ Cmd: ["sh"] }, "v9", undefined]);
          assert.deepEqual(config.rootfs.diff_ids, [`sha256:${createHash("sha256").update(TAR).digest("hex")}`]);
          digests.push(digest);
        }
        assert.equal(digests[0], digests[1]);
      }
      assert.equal(readdirSync(directory).length, 3);
    }));

  test("is unpacked where layers are not compressed so", { skip: missing("xz") }, () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, "root.tar.xz");
      writeFileSync(path, execFileSync("xz", ["-c"], { input: TAR }));
      await using source = await openTarImage(path, { ...OPTIONS, temporaryDirectory: directory });
      assert.ok((await readImage(source)).mediaType.endsWith(".tar"));
    }),
  );

  test("is refused where it is none, is cut, or something follows it", () =>
    withTemporaryDirectory(async (directory) => {
      const cases: readonly [Buffer, RegExp][] = [
        [Buffer.alloc(2000, "x"), /Cannot read tar archive ".*\/x": a header's/],
        [Buffer.alloc(20, "x"), /Cannot read tar archive ".*\/x": the stream ended early/],
        [TAR.subarray(0, 700), /Cannot read tar archive ".*\/x": the stream ended early/],
        [gzipSync(TAR).subarray(0, 40), /Cannot unpack layer/],
        [Buffer.concat([gzipSync(TAR), Buffer.alloc(1 << 20, "garbage")]), /something follows its end|Cannot unpack/],
        [
          Buffer.concat([zstdCompressSync(TAR), Buffer.alloc(1 << 20, "garbage")]),
          /something follows its end|Cannot unpack/,
        ],
      ];
      for (const [bytes, message] of cases) {
        writeFileSync(join(directory, "x"), bytes);
        await assert.rejects(openTarImage(join(directory, "x"), OPTIONS), { code: "invalid", message });
      }
      const signal = AbortSignal.abort();
      writeFileSync(join(directory, "x"), TAR);
      await assert.rejects(openTarImage(join(directory, "x"), { ...OPTIONS, signal }), { code: "cancelled" });
      await assert.rejects(openTarImage(join(directory, "x"), { ...OPTIONS, imageName: "No" }), { code: "invalid" });
    }));
});

describe("a directory", () => {
  test("is an image of one layer, the same for the same files", () =>
    withTemporaryDirectory(async (directory) => {
      const digests: string[] = [];
      for (const copy of ["one", "two"]) {
        const root = join(directory, copy);
        mkdirSync(join(root, "etc"), { recursive: true });
        writeFileSync(join(root, "etc", "hosts"), "x");
        const options = { ...OPTIONS, owners: "root", mtime: 0, temporaryDirectory: directory } as const;
        await using source = await openDirectoryImage(root, options);
        assert.equal(source.name, `dir:${root}`);
        const { paths, digest } = await readImage(source);
        assert.deepEqual(paths, ["./", "etc/", "etc/hosts"]);
        digests.push(digest);
      }
      assert.equal(digests[0], digests[1]);
      assert.deepEqual(readdirSync(directory).sort(), ["one", "two"]);
      await assert.rejects(openDirectoryImage(join(directory, "none"), OPTIONS), { code: "not-found" });
    }));
});
