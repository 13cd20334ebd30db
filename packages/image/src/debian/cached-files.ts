import type { ContentStore, Ingest } from "@orlop/core";
import type { RemoteFiles } from "../remote/remote-files.ts";

/** A file of a mirror, named by what the signed index says of it. */
export interface IndexedFile {
  readonly url: URL;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
}

interface FetchOptions {
  readonly sizeMax: number;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((count: number) => void) | undefined;
}

/** Files of mirrors, kept in a content store if there is one, so that they are fetched once. */
export class CachedFiles {
  readonly mirror: RemoteFiles;
  readonly #store: ContentStore | undefined;

  constructor(mirror: RemoteFiles, store: ContentStore | undefined) {
    this.mirror = mirror;
    this.#store = store;
  }

  /** Verified. @throws OrlopError */
  async get({ url, size, sha256 }: IndexedFile, { sizeMax, signal, onBytes }: FetchOptions): Promise<Buffer> {
    const digest = `sha256:${sha256}` as const;
    const fetched = (): Promise<Buffer> => this.mirror.get(url, { size, sha256, sizeMax, signal, onBytes });
    if (this.#store === undefined) return await fetched();
    await using ingest = await this.#store.ingest({ digest, size }, signal === undefined ? {} : { signal });
    if (ingest === undefined) return await whole(this.#store.read(digest), size);
    const content = await fetched();
    await complete(ingest, content);
    return content;
  }
}

async function complete(ingest: Ingest, content: Buffer): Promise<void> {
  for (const { offset, length } of ingest.missing()) {
    await ingest.write(content.subarray(offset, offset + length), offset);
  }
  await ingest.commit();
}

async function whole(chunks: AsyncIterable<Buffer>, size: number): Promise<Buffer> {
  const content = Buffer.allocUnsafe(size);
  let length = 0;
  for await (const chunk of chunks) length += chunk.copy(content, length);
  return content.subarray(0, length);
}
