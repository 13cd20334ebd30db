import type { Descriptor, ImageSink, ImageSource, OfferedImage, Platform } from "@orlop/core";
import { imageParts, type ManifestPart } from "./image-parts.ts";
import { inParallel } from "./in-parallel.ts";
import type { PartRole, PartState, TransferListener } from "./transfer-event.ts";

const BLOBS_AT_ONCE = 3;

interface CopyOptions {
  /** Of an index only the manifest for this platform, and not the index; absent: all of it. */
  readonly platform?: Platform;
  /** The name at the sink; absent: the one that the sink was opened with. */
  readonly name?: string;
  readonly signal?: AbortSignal;
  readonly onEvent?: TransferListener;
}

/**
 * Copies an image as it is: the digests stay. Resolves to what the sink names.
 *
 * @throws OrlopError
 */
export async function copyImage(
  source: ImageSource,
  sink: ImageSink,
  image: OfferedImage,
  { platform, name, signal, onEvent }: CopyOptions = {},
): Promise<Descriptor> {
  const read = (descriptor: Descriptor): Promise<Buffer> => source.document(descriptor, signal);
  const all = await imageParts(read, image.target, platform === undefined ? {} : { platform });
  // An index with members that are not there would be refused, or break whoever asks for them.
  const parts = platform === undefined ? all : all.filter(({ manifest }) => manifest !== undefined);
  const target = parts.at(-1)?.descriptor ?? image.target;
  onEvent?.({ kind: "image", name: name ?? image.name, target });
  const blobs = uniqueBlobs(parts);
  const report = (role: PartRole, descriptor: Descriptor, state: PartState, bytes: number): void =>
    onEvent?.({ kind: "part", role, descriptor, state, bytes });
  for (const { role, descriptor } of blobs) report(role, descriptor, "waiting", 0);
  const withSignal = signal === undefined ? {} : { signal };
  await inParallel(blobs, BLOBS_AT_ONCE, async ({ role, descriptor }) => {
    if (await sink.has(descriptor, signal)) {
      report(role, descriptor, "exists", descriptor.size);
      return;
    }
    await putBlob(source, sink, descriptor, {
      ...withSignal,
      onBytes: (bytes) => report(role, descriptor, "downloading", bytes),
    });
    report(role, descriptor, "done", descriptor.size);
  });
  for (const { descriptor, content, manifest } of parts) {
    await sink.putManifest(descriptor, content, signal);
    report(manifest === undefined ? "index" : "manifest", descriptor, "done", descriptor.size);
  }
  await sink.putName(name, target, signal);
  if (name !== undefined) onEvent?.({ kind: "named", name, target });
  return target;
}

interface PutOptions {
  readonly signal?: AbortSignal;
  /** All that have come so far. */
  readonly onBytes: (bytes: number) => void;
}

async function putBlob(
  source: ImageSource,
  sink: ImageSink,
  descriptor: Descriptor,
  { signal, onBytes }: PutOptions,
): Promise<void> {
  const withSignal = signal === undefined ? {} : { signal };
  let bytes = 0;
  const open = (offset: number): AsyncIterable<Buffer> => {
    bytes = offset;
    const range = { offset, length: descriptor.size - offset };
    return source.blob(descriptor, { ...withSignal, ...(offset === 0 ? {} : { range }) });
  };
  const count = (more: number): void => {
    bytes += more;
    onBytes(bytes);
  };
  await sink.putBlob(descriptor, open, { ...withSignal, onBytes: count });
}

interface BlobPart {
  readonly role: PartRole;
  readonly descriptor: Descriptor;
}

/** Configs and layers, each once. */
function uniqueBlobs(parts: readonly ManifestPart[]): readonly BlobPart[] {
  const found = new Map<string, BlobPart>();
  for (const { manifest } of parts) {
    if (manifest === undefined) continue;
    for (const descriptor of manifest.layers) found.set(descriptor.digest, { role: "layer", descriptor });
    found.set(manifest.config.digest, { role: "config", descriptor: manifest.config });
  }
  return [...found.values()];
}
