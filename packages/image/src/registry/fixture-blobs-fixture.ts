import { createHash } from "node:crypto";
import { type Descriptor, type ImageSink, MEDIA_TYPE_IMAGE_MANIFEST } from "@orlop/core";

/** Bytes that repeat nowhere, the same in every run. */
export function someBytes(size: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let state = seed;
  for (let index = 0; index < size; index++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

export function describeBytes(content: Buffer, mediaType = "application/octet-stream"): Descriptor {
  return { mediaType, digest: `sha256:${createHash("sha256").update(content).digest("hex")}`, size: content.length };
}

interface PushedImage {
  readonly target: Descriptor;
  readonly manifest: Buffer;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Pushes an image whose layers are these bytes. */
export async function pushImage(sink: ImageSink, contents: readonly Buffer[]): Promise<PushedImage> {
  const configContent = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}');
  const config = describeBytes(configContent, "application/vnd.oci.image.config.v1+json");
  const layers = contents.map((content) => describeBytes(content, "application/vnd.oci.image.layer.v1.tar"));
  for (const [index, descriptor] of [config, ...layers].entries()) {
    await sink.putBlob(descriptor, (offset) => pieces([configContent, ...contents][index] as Buffer, offset));
  }
  const manifest = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE_IMAGE_MANIFEST, config, layers }),
  );
  const target = describeBytes(manifest, MEDIA_TYPE_IMAGE_MANIFEST);
  await sink.putManifest(target, manifest);
  await sink.putName(undefined, target);
  await sink.finish();
  return { target, manifest, config, layers };
}

const PIECE_BYTES = 100_000;

export async function* pieces(content: Buffer, offset: number): AsyncGenerator<Buffer> {
  for (let at = offset; at < content.length; at += PIECE_BYTES) yield content.subarray(at, at + PIECE_BYTES);
}
