import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type ContentStore, type ImageStore, type LeaseStore, OrlopError, type Snapshotter } from "@orlop/core";
import { FileLock, type ImageDepot, openStore, type Store } from "@orlop/image";
import { dataDirectory } from "./data-directory.ts";

/** Where this user's images are, and the root file systems that are made of them. */
export class Depot implements ImageDepot, AsyncDisposable {
  readonly root: string;
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly leases: LeaseStore;
  readonly #store: Store;
  readonly #snapshotters = new Map<string, Promise<Snapshotter>>();

  constructor(root: string) {
    this.root = root;
    this.#store = openStore(root);
    this.content = this.#store.content;
    this.images = this.#store.images;
    this.leases = this.#store.leases;
  }

  async lock(name: string, signal?: AbortSignal): Promise<AsyncDisposable> {
    const directory = join(this.root, "locks");
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const lock = await FileLock.take(join(directory, name), signal === undefined ? {} : { signal });
    return { [Symbol.asyncDispose]: async () => lock.remove() };
  }

  /** What makes root file systems of layers here, as `ORLOP_SNAPSHOTTER` says or as fits this machine. */
  async snapshotter(): Promise<Snapshotter> {
    throw new OrlopError("unsupported", "not yet");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const snapshotter of this.#snapshotters.values()) await (await snapshotter).close();
    this.#store.close();
  }
}

/** This user's depot; nothing of it is read or made before its first use. */
export function openDepot(): Depot {
  const uid = process.geteuid?.() ?? 0;
  return new Depot(dataDirectory(uid, homedir(), process.env));
}
