import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  type Descriptor,
  type DownloadOptions,
  decodeImageLayout,
  decodeIndex,
  type ImageSink,
  type Index,
  MEDIA_TYPE_IMAGE_INDEX,
  OrlopError,
  stringifyJson,
} from "@orlop/core";
import { isMarkAlive, ownProcessMark, systemFailure } from "@orlop/kernel";
import { FileLock } from "../database/file-lock.ts";
import { syncDirectory } from "../store/sync-directory.ts";
import { DirectoryFiles, readImageFile } from "./image-files.ts";
import { withMember } from "./image-names.ts";
import { blobPath, INDEX_FILE, LAYOUT_FILE, LAYOUT_TEXT } from "./open-layout.ts";
import { verified, verifyContent } from "./verify-content.ts";

/** What is on its way into a layout is in a directory of this name in it, followed by the mark of its process. */
const OWN_DIRECTORY_PREFIX = ".orlop-";
const LOCK_FILE = ".orlop.lock";

let made = 0;

export interface LayoutSinkOptions {
  /** The name, or mere tag, of images that are put without one. */
  readonly name?: string;
}

/**
 * An OCI image layout in a directory, which is made where there is none. Images that it has stay, except under a name that
 * is given to another. Several may write to it at once, of this process and of others; whoever is killed leaves the index as
 * it was, and blobs that the next one finds.
 *
 * @throws OrlopError
 */
export function createLayout(directory: string, options: LayoutSinkOptions = {}): ImageSink {
  return attempt(directory, () => {
    mkdirSync(directory, { recursive: true });
    removeLeftovers(directory);
    const own = join(directory, `${OWN_DIRECTORY_PREFIX}${ownProcessMark()}-${made++}`);
    mkdirSync(own);
    return new LayoutSink(directory, own, options);
  });
}

/** What writers have left that are no more. */
function removeLeftovers(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(OWN_DIRECTORY_PREFIX)) continue;
    const mark = name.slice(OWN_DIRECTORY_PREFIX.length).replace(/-\d+$/, "");
    if (!isMarkAlive(mark)) rmSync(join(directory, name), { recursive: true, force: true });
  }
}

class LayoutSink implements ImageSink {
  readonly name: string;
  readonly #directory: string;
  readonly #own: string;
  readonly #options: LayoutSinkOptions;
  /** Tells apart what is on its way. */
  #count = 0;

  constructor(directory: string, own: string, options: LayoutSinkOptions) {
    this.name = `oci:${directory}`;
    this.#directory = directory;
    this.#own = own;
    this.#options = options;
  }

  async has({ digest, size }: Descriptor): Promise<boolean> {
    const stat = statSync(join(this.#directory, blobPath(digest)), { throwIfNoEntry: false });
    return stat?.isFile() === true && stat.size === size;
  }

  async putBlob(
    descriptor: Descriptor,
    open: (offset: number) => AsyncIterable<Buffer>,
    { signal, onBytes }: DownloadOptions = {},
  ): Promise<void> {
    const chunks = async function* (): AsyncGenerator<Buffer> {
      for await (const chunk of verified(descriptor, open(0))) {
        if (signal?.aborted) throw cancelled(descriptor, signal);
        yield chunk;
        onBytes?.(chunk.length);
      }
    };
    await this.#write(blobPath(descriptor.digest), chunks());
  }

  async putManifest(descriptor: Descriptor, content: Buffer): Promise<void> {
    verifyContent(descriptor, content);
    await this.#write(blobPath(descriptor.digest), [content]);
  }

  async putName(name: string | undefined, target: Descriptor, signal?: AbortSignal): Promise<void> {
    const lock = await FileLock.take(join(this.#directory, LOCK_FILE), signal === undefined ? {} : { signal });
    try {
      await this.#ensureLayoutFile();
      const index = this.#readIndex();
      const manifests = withMember(index.manifests, name ?? this.#options.name, target);
      await this.#write(INDEX_FILE, [Buffer.from(stringifyJson({ ...index, manifests }))]);
    } finally {
      lock.remove();
    }
  }

  async finish(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#own, { recursive: true, force: true });
  }

  async #ensureLayoutFile(): Promise<void> {
    const path = join(this.#directory, LAYOUT_FILE);
    if (statSync(path, { throwIfNoEntry: false }) === undefined)
      await this.#write(LAYOUT_FILE, [Buffer.from(LAYOUT_TEXT)]);
    else decodeImageLayout(readFileSync(path));
  }

  /** With all of its members, those too that nobody here knows. */
  #readIndex(): Index {
    using files = new DirectoryFiles(this.#directory);
    if (files.size(INDEX_FILE) !== undefined) return decodeIndex(readImageFile(files, INDEX_FILE));
    return { schemaVersion: 2, mediaType: MEDIA_TYPE_IMAGE_INDEX, manifests: [] };
  }

  /** A file that is there as a whole or not at all. */
  async #write(path: string, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
    const to = join(this.#directory, path);
    const temporary = join(this.#own, `${this.#count++}-${basename(path)}`);
    try {
      {
        await using file = await open(temporary, "wx");
        for await (const chunk of chunks) await file.appendFile(chunk);
        await file.sync();
      }
      await mkdir(dirname(to), { recursive: true });
      await rename(temporary, to);
      await syncDirectory(dirname(to));
    } catch (error) {
      await rm(temporary, { force: true });
      throw isSystemError(error) ? systemFailure(`write "${path}" of image layout "${this.#directory}"`, error) : error;
    }
  }
}

function isSystemError(error: unknown): boolean {
  return !(error instanceof OrlopError) && (error as NodeJS.ErrnoException).syscall !== undefined;
}

function attempt<T>(directory: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw systemFailure(`write image layout "${directory}"`, cause);
  }
}

function cancelled({ digest }: Descriptor, signal: AbortSignal): OrlopError {
  return new OrlopError("cancelled", `Cannot write blob "${digest}": it was ended`, { cause: signal.reason });
}
