import { createHash, type Hash } from "node:crypto";
import { createReadStream, createWriteStream, mkdirSync, renameSync, rmSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import {
  type Descriptor,
  type Digest,
  MEDIA_TYPE_IMAGE_CONFIG,
  MEDIA_TYPE_IMAGE_LAYER_GZIP,
  MEDIA_TYPE_IMAGE_MANIFEST,
} from "@orlop/core";
import { createLayout } from "@orlop/image/files";

/** What most registries' layers have been compressed with. */
const GZIP_LEVEL = 6;

/** Writes an image of one gzip layer to an OCI layout, which is there as a whole or not at all. */
export async function writeBenchLayout(directory: string, tar: AsyncIterable<Buffer>): Promise<void> {
  const temporary = `${directory}.${process.pid}`;
  mkdirSync(temporary, { recursive: true });
  try {
    const path = join(temporary, "layer.tar.gz");
    const { layer, diffId } = await compress(path, tar);
    await using sink = createLayout(temporary);
    await sink.putBlob(layer, () => createReadStream(path));
    rmSync(path);
    const config = Buffer.from(JSON.stringify(configOf(diffId)));
    const configDescriptor = describe(config, MEDIA_TYPE_IMAGE_CONFIG);
    await sink.putBlob(configDescriptor, async function* () {
      yield config;
    });
    const manifest = Buffer.from(JSON.stringify(manifestOf(configDescriptor, layer)));
    const target = describe(manifest, MEDIA_TYPE_IMAGE_MANIFEST);
    await sink.putManifest(target, manifest);
    await sink.putName("latest", target);
    await sink.finish();
    await sink[Symbol.asyncDispose]();
    renameSync(temporary, directory);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function compress(path: string, tar: AsyncIterable<Buffer>): Promise<{ layer: Descriptor; diffId: Digest }> {
  const plain = createHash("sha256");
  const compressed = createHash("sha256");
  let size = 0;
  const passing = (hash: Hash, count: (bytes: number) => void) =>
    async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of chunks) {
        hash.update(chunk);
        count(chunk.length);
        yield chunk;
      }
    };
  await pipeline(
    tar,
    passing(plain, () => {}),
    createGzip({ level: GZIP_LEVEL }),
    passing(compressed, (bytes) => {
      size += bytes;
    }),
    createWriteStream(path),
  );
  const layer = { mediaType: MEDIA_TYPE_IMAGE_LAYER_GZIP, digest: digestOf(compressed), size };
  return { layer, diffId: digestOf(plain) };
}

function configOf(diffId: Digest): object {
  return {
    architecture: arch() === "x64" ? "amd64" : arch(),
    os: "linux",
    config: { Cmd: ["/bin/sh"], Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] },
    rootfs: { type: "layers", diff_ids: [diffId] },
  };
}

function manifestOf(config: Descriptor, layer: Descriptor): object {
  return { schemaVersion: 2, mediaType: MEDIA_TYPE_IMAGE_MANIFEST, config, layers: [layer] };
}

function describe(content: Buffer, mediaType: string): Descriptor {
  return { mediaType, digest: digestOf(createHash("sha256").update(content)), size: content.length };
}

function digestOf(hash: Hash): Digest {
  return `sha256:${hash.digest("hex")}`;
}
