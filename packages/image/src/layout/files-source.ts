import {
  type BlobOptions,
  type Descriptor,
  type Digest,
  type ImageSource,
  type OfferedImage,
  OrlopError,
} from "@orlop/core";
import type { ImageFiles } from "./image-files.ts";
import { findTarget, type NamedTarget } from "./named-targets.ts";
import { DOCUMENT_MAX_BYTES, tooLarge, verifyContent } from "./verify-content.ts";

/** What is known of the files of a layout or an archive. */
export interface FilesContents {
  readonly targets: readonly NamedTarget[];
  /** Documents that stand in no file. */
  readonly made: ReadonlyMap<Digest, Buffer>;
  /** The file of a blob, whether or not it is there; undefined where none can be. */
  path(digest: Digest): string | undefined;
}

/** Images in the files of a directory or an archive, which it closes. */
export class FilesSource implements ImageSource {
  readonly name: string;
  readonly #files: ImageFiles;
  readonly #contents: FilesContents;

  /** @param name for messages: `oci:PATH` */
  constructor(name: string, files: ImageFiles, contents: FilesContents) {
    this.name = name;
    this.#files = files;
    this.#contents = contents;
  }

  async images(): Promise<readonly OfferedImage[]> {
    return this.#contents.targets.map(offered);
  }

  /**
   * The image that somebody means: by its name in any form, its tag, or `@` and its digest; absent: the only one, or the
   * one called `latest`.
   *
   * @throws OrlopError `not-found`
   */
  image(wanted?: string): OfferedImage {
    return offered(findTarget(this.#contents.targets, wanted, `"${this.name}"`));
  }

  async document(descriptor: Descriptor): Promise<Buffer> {
    const { digest, size, data } = descriptor;
    if (size > DOCUMENT_MAX_BYTES) throw tooLarge(digest);
    const content =
      this.#contents.made.get(digest) ??
      (data === undefined ? this.#files.read(this.#find(descriptor)) : Buffer.from(data, "base64"));
    verifyContent(descriptor, content);
    return content;
  }

  async *blob(descriptor: Descriptor, { range, signal }: BlobOptions = {}): AsyncGenerator<Buffer> {
    const { made } = this.#contents;
    const own = made.get(descriptor.digest);
    if (own !== undefined) {
      yield range === undefined ? own : own.subarray(range.offset, range.offset + range.length);
      return;
    }
    for await (const chunk of this.#files.chunks(this.#find(descriptor), range)) {
      if (signal?.aborted) {
        const what = `Cannot read blob "${descriptor.digest}" of "${this.name}": it was ended`;
        throw new OrlopError("cancelled", what, { cause: signal.reason });
      }
      yield chunk;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#files[Symbol.dispose]();
  }

  #find({ digest, size }: Descriptor): string {
    const path = this.#contents.path(digest);
    const found = path === undefined ? undefined : this.#files.size(path);
    if (path === undefined || found === undefined) {
      throw new OrlopError("not-found", `Cannot find blob "${digest}": "${this.name}" does not hold it`);
    }
    if (found === size) return path;
    const what = `it has ${found} bytes in "${this.name}", its descriptor says ${size}`;
    throw new OrlopError("invalid", `Cannot use blob "${digest}": ${what}`, { operation: "verify content" });
  }
}

function offered({ target, name }: NamedTarget): OfferedImage {
  return name === undefined ? { target } : { target, name };
}
