import type { Writable } from "node:stream";
import {
  type Descriptor,
  type Digest,
  type DownloadOptions,
  type ImageSink,
  MEDIA_TYPE_IMAGE_INDEX,
  OrlopError,
  type Platform,
  stringifyJson,
} from "@orlop/core";
import { withMember } from "../layout/image-names.ts";
import { blobPath, INDEX_FILE, LAYOUT_FILE, LAYOUT_TEXT } from "../layout/open-layout.ts";
import { verified, verifyContent } from "../layout/verify-content.ts";
import { encodeTarHeader } from "../tar/encode-tar-header.ts";
import { TAR_END, type TarEntry, tarPadding } from "../tar/write-tar.ts";
import { type ArchiveOutput, openArchiveOutput } from "./archive-output.ts";
import { DockerFiles } from "./docker-files.ts";

export interface ArchiveSinkOptions {
  /** The name, or mere tag, of images that are put without one. */
  readonly name?: string;
  /**
   * Beside the image layout the files that docker's own archives have always had, so that every version of docker and
   * podman can load it. They speak of one manifest of an image alone.
   */
  readonly docker?: boolean;
  /** Of an index the manifest that they speak of; absent: its only one. */
  readonly platform?: Platform;
}

/**
 * Writes an image layout in a tar archive, to a file or a stream. The bytes depend on nothing but what is put, and in which
 * order. A file appears when everything has been written.
 *
 * @throws OrlopError
 */
export async function createImageArchive(to: string | Writable, options: ArchiveSinkOptions = {}): Promise<ImageSink> {
  return new ArchiveSink(await openArchiveOutput(to), options);
}

class ArchiveSink implements ImageSink {
  readonly name: string;
  readonly #output: ArchiveOutput;
  readonly #options: ArchiveSinkOptions;
  readonly #docker: DockerFiles | undefined;
  readonly #put = new Set<Digest>();
  readonly #directories = new Set<string>();
  #members: readonly Descriptor[] = [];
  /** An archive is written from front to back: one call waits for the other. */
  #last: Promise<void> = Promise.resolve();
  #isBroken = false;

  constructor(output: ArchiveOutput, options: ArchiveSinkOptions) {
    this.name = output.name;
    this.#output = output;
    this.#options = options;
    this.#docker = options.docker ? new DockerFiles(output.name, options.platform) : undefined;
  }

  async has({ digest }: Descriptor): Promise<boolean> {
    return this.#put.has(digest);
  }

  async putBlob(
    descriptor: Descriptor,
    open: (offset: number) => AsyncIterable<Buffer>,
    { signal, onBytes }: DownloadOptions = {},
  ): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#put.has(descriptor.digest)) return;
      await this.#begin(descriptor);
      for await (const chunk of verified(descriptor, open(0))) {
        if (signal?.aborted) throw cancelled(this.name, signal);
        await this.#output.write(chunk);
        onBytes?.(chunk.length);
      }
      await this.#output.write(tarPadding(descriptor.size));
      this.#put.add(descriptor.digest);
    });
  }

  async putManifest(descriptor: Descriptor, content: Buffer): Promise<void> {
    verifyContent(descriptor, content);
    this.#docker?.note(descriptor, content);
    await this.#inTurn(async () => {
      if (this.#put.has(descriptor.digest)) return;
      await this.#begin(descriptor);
      await this.#output.write(Buffer.concat([content, tarPadding(content.length)]));
      this.#put.add(descriptor.digest);
    });
  }

  async putName(name: string | undefined, target: Descriptor): Promise<void> {
    this.#docker?.expectImage(target);
    this.#members = withMember(this.#members, name ?? this.#options.name, target);
  }

  async finish(): Promise<void> {
    await this.#inTurn(async () => {
      const index = { schemaVersion: 2, mediaType: MEDIA_TYPE_IMAGE_INDEX, manifests: this.#members };
      const files: readonly (readonly [path: string, text: string])[] = [
        [INDEX_FILE, stringifyJson(index)],
        ...(this.#docker?.files(this.#members) ?? []),
        [LAYOUT_FILE, LAYOUT_TEXT],
      ];
      // The order of a directory that is listed.
      for (const [path, text] of files.toSorted(([a], [b]) => (a < b ? -1 : 1))) {
        const bytes = Buffer.from(text);
        await this.#output.write(Buffer.concat([header("file", path, bytes.length), bytes, tarPadding(bytes.length)]));
      }
      await this.#output.write(TAR_END);
      await this.#output.finish();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isBroken = true;
    await this.#last;
    await this.#output[Symbol.asyncDispose]();
  }

  /** Once something has failed, what is written is no archive any more. */
  async #inTurn(work: () => Promise<void>): Promise<void> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    try {
      if (this.#isBroken)
        throw new OrlopError("conflict", `Cannot write image archive "${this.name}": it was given up`);
      await work();
    } catch (error) {
      this.#isBroken = true;
      throw error;
    } finally {
      resolve();
    }
  }

  async #begin({ digest, size }: Descriptor): Promise<void> {
    const path = blobPath(digest);
    const parts = path.split("/").slice(0, -1);
    for (const directory of parts.map((_, index) => `${parts.slice(0, index + 1).join("/")}/`)) {
      if (this.#directories.has(directory)) continue;
      this.#directories.add(directory);
      await this.#output.write(header("directory", directory, 0));
    }
    await this.#output.write(header("file", path, size));
  }
}

function header(kind: "file" | "directory", path: string, size: number): Buffer {
  const entry: TarEntry = { kind, path, mode: kind === "file" ? 0o644 : 0o755 };
  return encodeTarHeader(entry, size);
}

function cancelled(name: string, signal: AbortSignal): OrlopError {
  return new OrlopError("cancelled", `Cannot write image archive "${name}": it was ended`, { cause: signal.reason });
}
