import { closeSync } from "node:fs";
import type { BlobOptions, ContentStore, Descriptor, Digest, ImageSource, OfferedImage, Platform } from "@orlop/core";
import { FileChunks } from "../archive/file-chunks.ts";
import { readDocument } from "../transfer/store-source.ts";

interface CommitContents {
  readonly content: ContentStore;
  readonly target: Descriptor;
  /** The manifest and the config, which are nowhere yet. */
  readonly made: ReadonlyMap<Digest, Buffer>;
  /** The layer that comes on top, in a file that is closed with the source. */
  readonly layer: { readonly digest: Digest; readonly size: number; readonly fd: number };
  readonly platform: Platform;
  readonly configDigest: Digest;
}

/** An image that is made of another one of the content store; everything that the two share is read from there. */
export class CommitSource implements ImageSource {
  readonly name = "a container";
  readonly image: OfferedImage;
  /** What the image is for: that of the one that it is made of. */
  readonly platform: Platform;
  /** What people call the image's id. */
  readonly configDigest: Digest;
  readonly #contents: CommitContents;

  constructor(contents: CommitContents) {
    this.image = { target: contents.target };
    this.platform = contents.platform;
    this.configDigest = contents.configDigest;
    this.#contents = contents;
  }

  async images(): Promise<readonly OfferedImage[]> {
    return [this.image];
  }

  async document(descriptor: Descriptor): Promise<Buffer> {
    const { made, content } = this.#contents;
    return made.get(descriptor.digest) ?? (await readDocument(content, descriptor));
  }

  async *blob(descriptor: Descriptor, { range }: BlobOptions = {}): AsyncGenerator<Buffer> {
    const { made, layer, content } = this.#contents;
    const { digest } = descriptor;
    const { offset, length } = range ?? { offset: 0, length: descriptor.size };
    const own = made.get(digest);
    if (own !== undefined) yield own.subarray(offset, offset + length);
    else if (digest === layer.digest) yield* new FileChunks(layer.fd, offset, offset + length);
    else yield* content.read(digest, range);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    closeSync(this.#contents.layer.fd);
  }
}
