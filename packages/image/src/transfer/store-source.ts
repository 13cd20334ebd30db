import {
  type BlobOptions,
  type ContentStore,
  type Descriptor,
  type ImageSource,
  type OfferedImage,
  OrlopError,
} from "@orlop/core";

/** Images of the content store. */
export class StoreSource implements ImageSource {
  readonly name = "this machine's images";
  readonly #content: ContentStore;
  readonly #images: readonly OfferedImage[];

  /** @param images what it offers */
  constructor(content: ContentStore, images: readonly OfferedImage[]) {
    this.#content = content;
    this.#images = images;
  }

  async images(): Promise<readonly OfferedImage[]> {
    return this.#images;
  }

  async document(descriptor: Descriptor): Promise<Buffer> {
    return await readDocument(this.#content, descriptor);
  }

  async *blob({ digest }: Descriptor, { range }: BlobOptions = {}): AsyncGenerator<Buffer> {
    try {
      yield* this.#content.read(digest, range);
    } catch (error) {
      if (!(error instanceof OrlopError) || error.code !== "not-found") throw error;
      const way = "Try orlop pull --all-platforms, where a snapshotter has fetched it by itself.";
      throw new OrlopError("not-found", `${error.message}\n${way}`, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Manifests, indexes and configs; what registries allow too. */
const DOCUMENT_MAX_BYTES = 4 * 1024 * 1024;

/** A manifest, an index or a config, whole and verified. */
export async function readDocument(content: ContentStore, descriptor: Descriptor): Promise<Buffer> {
  const { digest, size } = descriptor;
  if (size > DOCUMENT_MAX_BYTES) {
    throw new OrlopError("exhausted", `Cannot read "${digest}": it has more than ${DOCUMENT_MAX_BYTES} bytes`);
  }
  const bytes = Buffer.concat(await Array.fromAsync(content.read(digest)));
  if (bytes.length === size) return bytes;
  throw new OrlopError("invalid", `Cannot use "${digest}": it has ${bytes.length} bytes, its descriptor says ${size}`);
}
