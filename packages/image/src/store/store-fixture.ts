import { join } from "node:path";
import type { ContentStore, Digest, Labels } from "@orlop/core";
import { type TestBlob, temporaryDirectory } from "@orlop/testkit";
import { openStore, type Store } from "./open-store.ts";

/** A store in a directory that goes with it. */
interface StoreFixture extends Disposable {
  readonly root: string;
  readonly store: Store;
  /** Where a blob's file is. */
  blobPath(digest: Digest): string;
}

export function storeFixture(root?: string): StoreFixture {
  const directory = root === undefined ? temporaryDirectory() : { path: root, [Symbol.dispose]: () => {} };
  const store = openStore(directory.path);
  return {
    root: directory.path,
    store,
    blobPath: (digest) => join(directory.path, "content", "blobs", ...digest.split(":")),
    [Symbol.dispose]: () => {
      store.close();
      directory[Symbol.dispose]();
    },
  };
}

export async function storeBlob(content: ContentStore, blob: TestBlob, labels?: Labels): Promise<void> {
  await using ingest = await content.ingest(blob);
  for (const { offset, length } of ingest?.missing() ?? []) {
    await ingest?.write(blob.bytes.subarray(offset, offset + length), offset);
  }
  await ingest?.commit(labels);
}
