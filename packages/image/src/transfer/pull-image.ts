import {
  type ContentStore,
  type Descriptor,
  decodeImageConfig,
  formatPlatform,
  type ImageSource,
  type ImageStore,
  type Ingest,
  LABEL_GC_REF_SNAPSHOT,
  type LeaseStore,
  type Manifest,
  type OfferedImage,
  OrlopError,
  type Platform,
  platformRank,
  type Snapshotter,
} from "@orlop/core";
import type { ReadLayerOptions, StoredLayer } from "../layer/read-layer.ts";
import type { ImageVerifier } from "../verify/image-verifier.ts";
import { bringBlob } from "./bring-blob.ts";
import { gcLabels } from "./gc-labels.ts";
import { imageParts, type ManifestPart } from "./image-parts.ts";
import { inParallel } from "./in-parallel.ts";
import { isRunnable } from "./is-runnable.ts";
import { readDocument } from "./store-source.ts";
import { throwIfCancelled } from "./throw-if-cancelled.ts";
import type { PartRole, PartState, TransferListener } from "./transfer-event.ts";
import { Abandoned, LayersUnpacking, type PresentLayer } from "./unpack-layers.ts";

/** Blobs on their way at once; each may come in several streams. */
const BLOBS_AT_ONCE = 3;

/** Where pulled images are kept. */
export interface ImageDepot {
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly leases: LeaseStore;
  /** Keeps others, of this process and of others, from doing the same at once. */
  lock(name: string, signal?: AbortSignal): Promise<AsyncDisposable>;
}

export interface PullOptions extends ReadLayerOptions {
  /** Of an index only the manifest for this platform; absent: all of them, and nothing is unpacked. */
  readonly platform?: Platform;
  /** Where layers become root file systems as they come; absent: they stay what they are. */
  readonly snapshotter?: Snapshotter;
  /**
   * What registries know the image by, for a snapshotter that fetches: what that has does not come here. Absent: it is not
   * asked.
   */
  readonly reference?: string;
  /** The name that the image gets; absent: the one that the source has for it, if any. */
  readonly name?: string;
  /** A lease of the caller's that keeps what is pulled; absent: what has no name in the end is nobody's. */
  readonly lease?: string;
  /** All of them have to allow the image before anything of it comes. */
  readonly verifiers?: readonly ImageVerifier[];
  readonly onEvent?: TransferListener;
}

export interface PulledImage {
  readonly name: string | undefined;
  readonly target: Descriptor;
}

/**
 * Brings an image from a source into the content store, and its layers into root file systems while they come. The same
 * image pulled by several at once is brought once. What a pull that failed or was killed has brought is there for the next.
 *
 * @throws OrlopError
 */
export async function pullImage(
  source: ImageSource,
  depot: ImageDepot,
  image: OfferedImage,
  options: PullOptions = {},
): Promise<PulledImage> {
  const own = options.lease === undefined ? await depot.leases.create() : undefined;
  try {
    const pull = new Pull(source, depot, { ...options, lease: options.lease ?? own?.id ?? "" });
    return await pull.run(image);
  } finally {
    if (own !== undefined) await depot.leases.delete(own.id);
  }
}

class Pull {
  readonly #source: ImageSource;
  readonly #depot: ImageDepot;
  readonly #options: PullOptions & { readonly lease: string };

  constructor(source: ImageSource, depot: ImageDepot, options: PullOptions & { readonly lease: string }) {
    this.#source = source;
    this.#depot = depot;
    this.#options = options;
  }

  async run(image: OfferedImage): Promise<PulledImage> {
    const { platform, onEvent, signal, verifiers = [] } = this.#options;
    const { target } = image;
    const name = this.#options.name ?? image.name;
    onEvent?.({ kind: "image", name, target });
    const which = platform === undefined ? {} : { platform };
    const source = this.#source;
    const manifests = async (): Promise<readonly Descriptor[]> => {
      const parts = await imageParts((descriptor) => source.document(descriptor, signal), target, which);
      return parts.filter(({ manifest }) => manifest !== undefined).map(({ descriptor }) => descriptor);
    };
    for (const verify of verifiers) {
      await verify({ name, target, manifests, source, ...(signal === undefined ? {} : { signal }) });
    }
    const read = (descriptor: Descriptor): Promise<Buffer> => this.#document(descriptor);
    const parts = await imageParts(read, target, which);
    for (const part of parts) if (part.manifest !== undefined) await this.#image(part, part.manifest);
    throwIfCancelled(signal);
    for (const part of parts) await this.#keepManifest(part);
    if (name !== undefined) {
      await this.#depot.images.put(name, target);
      onEvent?.({ kind: "named", name, target });
    }
    return { name, target };
  }

  /** From the content store if it is there. */
  async #document(descriptor: Descriptor): Promise<Buffer> {
    const { content } = this.#depot;
    await this.#lease(descriptor);
    if (await content.has(descriptor.digest)) return await readDocument(content, descriptor);
    return await this.#source.document(descriptor, this.#options.signal);
  }

  /** Everything below one manifest. */
  async #image({ descriptor }: ManifestPart, manifest: Manifest): Promise<void> {
    const { platform, snapshotter } = this.#options;
    this.#report("manifest", descriptor, "downloading", 0);
    const isImage = snapshotter !== undefined && platform !== undefined && isRunnable(manifest);
    const unpacking = isImage ? await this.#beginUnpacking(descriptor, manifest, snapshotter) : undefined;
    if (unpacking === undefined) await this.#bring("config", manifest.config);
    const controller = new AbortController();
    const signal = AbortSignal.any([controller.signal, ...(this.#options.signal ? [this.#options.signal] : [])]);
    for (const layer of manifest.layers) this.#report("layer", layer, "waiting", 0);
    let failure: unknown;
    const bringOne = async (layer: Descriptor, index: number): Promise<void> => {
      try {
        if (unpacking === undefined) await this.#bring("layer", layer, { signal });
        else await this.#bringAndUnpack(layer, { index, unpacking, signal });
      } catch (error) {
        unpacking?.abandon(index);
        // The one below says why it did not come, perhaps later: it has what came of it to keep first.
        if (!(error instanceof Abandoned)) {
          failure ??= error;
          controller.abort(error);
        }
        throw error;
      }
    };
    await inParallel(manifest.layers, BLOBS_AT_ONCE, bringOne).catch((error: unknown) => {
      throw failure ?? error;
    });
    this.#report("manifest", descriptor, "done", descriptor.size);
  }

  async #beginUnpacking(
    descriptor: Descriptor,
    manifest: Manifest,
    snapshotter: Snapshotter,
  ): Promise<LayersUnpacking> {
    const { leases, content } = this.#depot;
    const { lease, platform, reference } = this.#options;
    await this.#lease(manifest.config);
    // Small, and needed before anything can be unpacked.
    await this.#bring("config", manifest.config);
    const config = decodeImageConfig(await readDocument(content, manifest.config));
    const diffIds = config.rootfs.diff_ids;
    if (diffIds.length !== manifest.layers.length) {
      const what = `its manifest has ${manifest.layers.length} layers and its config ${diffIds.length}`;
      throw new OrlopError("invalid", `Cannot use image "${this.#source.name}": ${what}`, { operation: "pull image" });
    }
    if (platform !== undefined && platformRank(config, platform) === undefined) {
      const [is, wanted] = [config, platform].map(formatPlatform);
      throw new OrlopError(
        "unsupported",
        `Cannot use image "${this.#source.name}": it is for ${is}, not for ${wanted}`,
      );
    }
    const lock = (name: string): Promise<AsyncDisposable> => this.#depot.lock(name, this.#options.signal);
    const { layers } = manifest;
    const fetched = reference === undefined ? undefined : { reference, manifest: descriptor, layers };
    const unpacking = new LayersUnpacking({
      snapshotter,
      diffIds,
      leases,
      lease,
      lock,
      reading: this.#options,
      fetched,
    });
    if (unpacking.chainId !== undefined) {
      await content.setLabels(manifest.config.digest, {
        [`${LABEL_GC_REF_SNAPSHOT}.${snapshotter.name}`]: unpacking.chainId,
      });
    }
    return unpacking;
  }

  async #bringAndUnpack(
    layer: Descriptor,
    {
      index,
      unpacking,
      signal,
    }: { readonly index: number; readonly unpacking: LayersUnpacking; readonly signal: AbortSignal },
  ): Promise<void> {
    if (await unpacking.fetch(index)) {
      this.#report("layer", layer, "exists", layer.size);
      unpacking.skip(index);
      return;
    }
    const present = await unpacking.find(index);
    if (present !== undefined) {
      await this.#bringPresent(layer, present, signal);
      unpacking.skip(index);
      return;
    }
    const { content } = this.#depot;
    const { digest, mediaType, size } = layer;
    const stored = (chunks: () => AsyncIterable<Buffer>): StoredLayer => ({
      name: digest,
      mediaType,
      sizeBytes: size,
      diffId: unpacking.diffId(index),
      chunks,
      // They come out of a file.
      ownsChunks: true,
    });
    const read = (): StoredLayer => stored(() => content.read(digest));
    const fails = new FirstFailure();
    let unpacked: Promise<void> | undefined;
    const brought = this.#bring("layer", layer, {
      signal: AbortSignal.any([signal, fails.signal]),
      onFailure: (error) => fails.note(error),
      onIngest: (ingest) => {
        if (!unpacking.isParallel) return;
        const again = async (): Promise<StoredLayer> => {
          await brought;
          return read();
        };
        unpacked = unpacking.unpack(
          index,
          stored(() => ingest.follow()),
          again,
        );
        unpacked.catch((error: unknown) => fails.note(error));
      },
    });
    try {
      await brought;
      this.#report("layer", layer, "unpacking", layer.size);
      await (unpacked ?? unpacking.unpack(index, read(), async () => read()));
    } catch (error) {
      // What was begun for it is cleaned up when this has ended.
      await unpacked?.catch(() => {});
      throw fails.first ?? error;
    }
    this.#report("layer", layer, "done", layer.size);
  }

  /** What lacks the layer itself, as the content store does that an image was committed from, has its snapshot nevertheless. */
  async #bringPresent(layer: Descriptor, present: PresentLayer, signal: AbortSignal): Promise<void> {
    try {
      await this.#bring("layer", layer, { signal });
    } catch (error) {
      if (present !== "fetched" || !(error instanceof OrlopError) || error.code !== "not-found") throw error;
      this.#report("layer", layer, "exists", layer.size);
    }
  }

  async #bring(role: PartRole, descriptor: Descriptor, { signal, ...followed }: BringPartOptions = {}): Promise<void> {
    await this.#lease(descriptor);
    const ends = signal ?? this.#options.signal;
    await bringBlob(this.#source, descriptor, {
      content: this.#depot.content,
      ...followed,
      ...(ends === undefined ? {} : { signal: ends }),
      onState: (state, bytes) => this.#report(role, descriptor, state, bytes),
    });
  }

  async #keepManifest({ descriptor, content, children, manifest }: ManifestPart): Promise<void> {
    const labels = gcLabels(children);
    const store = this.#depot.content;
    await using ingest = await store.ingest(descriptor);
    if (ingest === undefined) {
      await store.setLabels(descriptor.digest, labels);
    } else {
      for (const { offset, length } of ingest.missing())
        await ingest.write(content.subarray(offset, offset + length), offset);
      await ingest.commit(labels);
    }
    this.#report(manifest === undefined ? "index" : "manifest", descriptor, "done", descriptor.size);
  }

  async #lease({ digest }: Descriptor): Promise<void> {
    await this.#depot.leases.add(this.#options.lease, { kind: "content", digest });
  }

  #report(role: PartRole, descriptor: Descriptor, state: PartState, bytes: number): void {
    this.#options.onEvent?.({ kind: "part", role, descriptor, state, bytes });
  }
}

interface BringPartOptions {
  readonly signal?: AbortSignal;
  readonly onIngest?: (ingest: Ingest) => void;
  readonly onFailure?: (error: unknown) => void;
}

/** Of two that go hand in hand: what failed first is what went wrong; the other fails for want of it. */
class FirstFailure {
  readonly #controller = new AbortController();
  first: unknown;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  note(error: unknown): void {
    this.first ??= error;
    this.#controller.abort(error);
  }
}
