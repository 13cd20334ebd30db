import {
  type CommitOptions,
  type LayerEntries,
  OrlopError,
  type PrepareOptions,
  type SnapshotInfo,
  type SnapshotMount,
  type SnapshotOptions,
  type Snapshotter,
  type SnapshotUsage,
} from "@orlop/core";
import { GrpcClient } from "@orlop/kernel/grpc";
import type { ChangesOptions, SnapshotChanges } from "../changes/snapshot-changes.ts";
import { SystemCalls } from "../system/system-calls.ts";
import { LayerTarget } from "./layer-target.ts";
import { proxyChanges } from "./proxy-changes.ts";
import { decodeInfo, decodeMounts, encodeChanges, type LabelChanges } from "./snapshot-messages.ts";
import { SNAPSHOTS_API } from "./snapshots-api.ts";

export interface ProxySnapshotterOptions {
  /** Path of the socket that the other snapshotter listens at. */
  readonly path: string;
  readonly name: string;
  /** What the other one calls itself where it serves several; absent: as `name`. */
  readonly remoteName?: string;
  /** Sent along, as containerd does; no part of any key. */
  readonly namespace: string;
  /** The other one takes the parent at the commit (the capability `rebase` of containerd's proxies). */
  readonly rebases?: boolean;
  /** A limit on what it lists: a list without an end is no snapshotter's. */
  readonly snapshotsMax?: number;
}

const SNAPSHOTS_MAX = 1_000_000;
/** Layers that one root file system consists of. */
const MOUNTS_MAX = 4096;

/**
 * Somebody else's snapshotter, spoken to over containerd's snapshots service (its `proxy_plugins`). Keys and names are the
 * other one's. Layers are written here, to where its mounts say.
 *
 * The other one is trusted as far as its mounts go, as containerd trusts it; what its answers say beyond limits is refused.
 */
export class ProxySnapshotter implements Snapshotter {
  readonly name: string;
  readonly rebases: boolean;
  readonly #client: GrpcClient;
  readonly #snapshotter: string;
  readonly #snapshotsMax: number;
  readonly #system = new SystemCalls();
  /** Keys whose layer is being written. */
  readonly #busy = new Set<string>();

  constructor(options: ProxySnapshotterOptions) {
    const { path, name, remoteName = name, namespace, rebases = false, snapshotsMax = SNAPSHOTS_MAX } = options;
    this.name = name;
    this.rebases = rebases;
    this.#snapshotter = remoteName;
    this.#snapshotsMax = snapshotsMax;
    this.#client = new GrpcClient(path, { metadata: { "containerd-namespace": namespace } });
  }

  async stat(key: string): Promise<SnapshotInfo> {
    return decodeInfo((await this.#client.call(SNAPSHOTS_API, "Stat", this.#of(key))).info);
  }

  async update(key: string, changes: LabelChanges): Promise<SnapshotInfo> {
    const { labels, paths } = encodeChanges(changes);
    // Without a path it would be all labels.
    if (paths.length === 0) return await this.stat(key);
    const request = { snapshotter: this.#snapshotter, info: { name: key, labels }, updateMask: { paths } };
    return decodeInfo((await this.#client.call(SNAPSHOTS_API, "Update", request)).info);
  }

  async usage(key: string): Promise<SnapshotUsage> {
    const { size, inodes } = await this.#client.call(SNAPSHOTS_API, "Usage", this.#of(key));
    return { sizeBytes: Number(size), inodes: Number(inodes) };
  }

  async mounts(key: string): Promise<readonly SnapshotMount[]> {
    return this.#mounts(key, await this.#client.call(SNAPSHOTS_API, "Mounts", this.#of(key)));
  }

  async prepare(
    key: string,
    parent: string | undefined,
    { labels, sizeMaxBytes }: PrepareOptions = {},
  ): Promise<readonly SnapshotMount[]> {
    if (sizeMaxBytes !== undefined) {
      throw new OrlopError("unsupported", `Cannot limit snapshot: "${this.name}" cannot be told of a limit`);
    }
    return this.#mounts(key, await this.#client.call(SNAPSHOTS_API, "Prepare", { ...this.#of(key), parent, labels }));
  }

  async view(
    key: string,
    parent: string | undefined,
    { labels }: SnapshotOptions = {},
  ): Promise<readonly SnapshotMount[]> {
    return this.#mounts(key, await this.#client.call(SNAPSHOTS_API, "View", { ...this.#of(key), parent, labels }));
  }

  async apply(key: string, entries: LayerEntries): Promise<void> {
    if (this.#busy.has(key)) {
      throw new OrlopError("conflict", `Cannot apply layer to snapshot "${key}": another call is at work on it`);
    }
    this.#busy.add(key);
    try {
      const { kind } = await this.stat(key);
      if (kind !== "active") {
        throw new OrlopError("conflict", `Cannot apply layer to snapshot "${key}": it is ${kind}, not active`);
      }
      const target = new LayerTarget(key, await this.mounts(key), this.#system);
      await target.write(entries);
    } finally {
      this.#busy.delete(key);
    }
  }

  /**
   * What has been written to an active snapshot and differs from its parent.
   *
   * @throws OrlopError `unsupported` where its mounts do not tell, `conflict` for what can only be read
   */
  async changes(key: string, options: ChangesOptions = {}): Promise<SnapshotChanges> {
    return await proxyChanges(key, { mounts: await this.mounts(key), system: this.#system, ...options });
  }

  async commit(name: string, key: string, { labels, parent }: CommitOptions = {}): Promise<void> {
    const rebased = parent !== undefined && (await this.#isRebased(key, parent));
    const request = { snapshotter: this.#snapshotter, name, key, labels, parent: rebased ? parent : undefined };
    await this.#client.call(SNAPSHOTS_API, "Commit", request);
  }

  async remove(key: string): Promise<void> {
    await this.#client.call(SNAPSHOTS_API, "Remove", this.#of(key));
  }

  async *walk(): AsyncGenerator<SnapshotInfo> {
    let count = 0;
    const request = { snapshotter: this.#snapshotter };
    for await (const { info } of this.#client.stream(SNAPSHOTS_API, "List", request)) {
      for (const each of info) {
        if (++count > this.#snapshotsMax) {
          const problem = `there are more than ${this.#snapshotsMax}, its limit snapshotsMax`;
          throw new OrlopError("exhausted", `Cannot list snapshots of "${this.name}": ${problem}`);
        }
        yield decodeInfo(each);
      }
    }
  }

  async cleanup(): Promise<void> {
    try {
      await this.#client.call(SNAPSHOTS_API, "Cleanup", { snapshotter: this.#snapshotter });
    } catch (error) {
      // Not every one has something to clean up.
      if (!(error instanceof OrlopError) || error.code !== "unsupported") throw error;
    }
  }

  async close(): Promise<void> {
    this.#client[Symbol.dispose]();
    this.#system[Symbol.dispose]();
  }

  #of(key: string): { readonly snapshotter: string; readonly key: string } {
    return { snapshotter: this.#snapshotter, key };
  }

  #mounts(key: string, { mounts }: { readonly mounts: Parameters<typeof decodeMounts>[0] }): readonly SnapshotMount[] {
    if (mounts.length > 0 && mounts.length <= MOUNTS_MAX) return decodeMounts(mounts);
    const problem = mounts.length === 0 ? "it has no mounts" : `it has more mounts than MOUNTS_MAX (${MOUNTS_MAX})`;
    throw new OrlopError("failed", `Cannot use snapshot "${key}" of "${this.name}": ${problem}`);
  }

  /** Whether the parent is to be given at the commit, and was not before. */
  async #isRebased(key: string, parent: string): Promise<boolean> {
    const { parent: present } = await this.stat(key);
    if (present === parent) return false;
    const refuse = (code: "conflict" | "unsupported", what: string): OrlopError =>
      new OrlopError(code, `Cannot commit snapshot "${key}" on "${parent}": ${what}`);
    if (present !== undefined) throw refuse("conflict", `it was prepared on "${present}"`);
    if (this.rebases) return true;
    throw refuse("unsupported", `"${this.name}" has to know the parent when the snapshot is prepared`);
  }
}
