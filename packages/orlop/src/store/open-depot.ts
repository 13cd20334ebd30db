import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  type ContentStore,
  type Descriptor,
  formatPlatform,
  type ImageStore,
  type LeaseStore,
  OrlopError,
  type Platform,
  type Snapshotter,
} from "@orlop/core";
import {
  type CollectableSnapshots,
  type CollectedGarbage,
  type CollectedStore,
  type CollectOptions,
  type DamagedBlob,
  type Database,
  type ImageDepot,
  openStore,
  readStoredImage,
  type Store,
  type StoredImage,
} from "@orlop/image";
import { namesIn } from "@orlop/kernel";
import {
  type ChangesOptions,
  fittingSnapshotter,
  isProxy,
  openSnapshotter,
  proxyName,
  type SnapshotChanges,
  type StoredSnapshotter,
  snapshotterName,
} from "@orlop/snapshot";
import type { RecordedSnapshotter } from "@orlop/snapshot/proxy";
import { ownDataDirectory } from "./data-directory.ts";
import { namedSnapshotter } from "./named-snapshotter.ts";

/** A config has tens of kilobytes at the most, mostly. */
const KNOWN_MAX = 64;

/** Where this user's images are, and the root file systems that are made of them. */
export class Depot implements ImageDepot, AsyncDisposable {
  readonly root: string;
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly leases: LeaseStore;
  readonly #store: Store;
  readonly #snapshotters = new Map<string, Promise<StoredSnapshotter>>();
  readonly #proxies = new Map<string, RecordedSnapshotter>();
  /** Those that were asked for last: what has a digest stays as it is. */
  readonly #known = new Map<string, StoredImage>();
  /** What fits this machine, which stays as it is. */
  #fitting: string | undefined;
  /** What a user has named, and could. */
  #checked: string | undefined;

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
    const { FileLock } = await import("./file-lock.ts");
    const lock = await FileLock.take(join(directory, name), signal === undefined ? {} : { signal });
    return { [Symbol.asyncDispose]: async () => lock.remove() };
  }

  /**
   * What makes root file systems of layers here, as `ORLOP_SNAPSHOTTER` says or as fits this machine: `erofs`, `overlay`,
   * `erofs:tar-index` for the same layers in another form, or `proxy:unix:///run/x.sock` for one that listens there.
   */
  async snapshotter(): Promise<Snapshotter> {
    return await this.#chosen();
  }

  /** @throws OrlopError `unsupported` where that cannot limit what is written */
  async checkLimit(): Promise<void> {
    const chosen = await this.#chosen();
    await chosen.checkLimit();
  }

  /** @throws OrlopError `not-found` where it has nothing for the platform, or a part of it is not there */
  async storedImage(target: Descriptor, platform: Platform): Promise<StoredImage> {
    const key = `${target.digest} ${formatPlatform(platform)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const stored = await readStoredImage(this.content, target, platform);
    const [first] = this.#known.size < KNOWN_MAX ? [] : this.#known.keys();
    if (first !== undefined) this.#known.delete(first);
    this.#known.set(key, stored);
    return stored;
  }

  /** Blobs that are not there or damaged. @param quick as far as it can be told without reading them */
  damagedBlobs({
    quick,
    signal,
  }: {
    readonly quick: boolean;
    readonly signal: AbortSignal;
  }): AsyncIterable<DamagedBlob> {
    const { content } = this.#store;
    return quick ? content.lacking() : content.damaged(signal);
  }

  /** Tables of others may be kept beside those of images. */
  get database(): Database {
    return this.#store.database;
  }

  /** The snapshotter of that name, by which a snapshot was made. */
  async snapshotterOf(name: string): Promise<Snapshotter> {
    return await this.#open(name);
  }

  /** What a container writes to its snapshot. */
  async changes(snapshotter: string, key: string, options: ChangesOptions): Promise<SnapshotChanges> {
    const from = await this.#open(snapshotter);
    return await from.changes(key, options);
  }

  /** Removes what neither the name of an image nor a lease leads to any more, and what was cut off and given up. */
  async collectGarbage(options: CollectOptions = {}): Promise<CollectedGarbage> {
    const { collectGarbage } = await import("./collect-garbage.ts");
    const collected = await collectGarbage(await this.parts(), options);
    if (options.dryRun !== true) await this.#sweepLocks();
    return collected;
  }

  /** Removes the files of locks that processes have left behind when they were killed. */
  async #sweepLocks(): Promise<void> {
    const { FileLock } = await import("./file-lock.ts");
    const directory = join(this.root, "locks");
    for (const name of namesIn(directory)) FileLock.try(join(directory, name))?.remove();
  }

  /** All that is here, with the snapshots of every snapshotter that there has been. */
  async parts(): Promise<CollectedStore> {
    const snapshots: CollectableSnapshots[] = [...(await this.snapshotters())];
    const { ProxyNamespaces } = await import("./proxy-namespaces.ts");
    for (const name of new ProxyNamespaces(this.database).names()) {
      const { CollectableProxy } = await import("./collectable-proxy.ts");
      snapshots.push(new CollectableProxy(await this.#openProxy(name)));
    }
    return { store: this.#store, snapshots };
  }

  /** Every one of our own that there has been. */
  async snapshotters(): Promise<readonly StoredSnapshotter[]> {
    const open = namesIn(join(this.root, "snapshots")).map((name) => this.#tryOpen(name));
    return (await Promise.all(open)).filter((each) => each !== undefined);
  }

  async #chosen(): Promise<StoredSnapshotter | RecordedSnapshotter> {
    const named = namedSnapshotter();
    if (named === undefined) {
      this.#fitting ??= fittingSnapshotter(this.root);
      return await this.#open(this.#fitting);
    }
    if (this.#checked !== named) {
      const { checkNamed } = await import("./check-named.ts");
      checkNamed(named, this.root);
    }
    this.#checked = named;
    return await this.#open(named);
  }

  async #open(name: string): Promise<StoredSnapshotter | RecordedSnapshotter> {
    return isProxy(name) ? await this.#openProxy(name) : await this.#openOwn(name);
  }

  async #openProxy(text: string): Promise<RecordedSnapshotter> {
    // Loaded no sooner: most commands speak to no socket.
    const { openProxy } = await import("@orlop/snapshot/proxy");
    const name = proxyName(text);
    const known = this.#proxies.get(name);
    if (known !== undefined) return known;
    const lock = (): Promise<AsyncDisposable> => this.lock(encodeURIComponent(name));
    const opened = openProxy(name, { database: this.database, lock });
    this.#proxies.set(name, opened);
    return opened;
  }

  async #openOwn(name: string): Promise<StoredSnapshotter> {
    const known = this.#snapshotters.get(name);
    if (known !== undefined) return await known;
    const directory = join(this.root, "snapshots", snapshotterName(name));
    const opened = openSnapshotter(name, { directory, database: this.#store.database });
    this.#snapshotters.set(name, opened);
    try {
      return await opened;
    } catch (error) {
      // What is in the way may go.
      this.#snapshotters.delete(name);
      throw error;
    }
  }

  /** Undefined for a directory that is none of a snapshotter's. */
  async #tryOpen(name: string): Promise<StoredSnapshotter | undefined> {
    try {
      return await this.#openOwn(name);
    } catch (error) {
      if (error instanceof OrlopError && error.code === "unsupported") return undefined;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await Promise.allSettled(this.#snapshotters.values());
    const own = opened.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    for (const snapshotter of [...own, ...this.#proxies.values()]) await snapshotter.close();
    this.#store.close();
  }
}

/** This user's depot; nothing of it is read or made before its first use. */
export function openDepot(): Depot {
  return new Depot(ownDataDirectory());
}
