import {
  type CommitOptions,
  LABEL_SNAPSHOT_REF,
  type LayerEntries,
  OrlopError,
  type PrepareOptions,
  type SnapshotInfo,
  type SnapshotMount,
  type SnapshotOptions,
  type Snapshotter,
  type SnapshotUsage,
  unlessMissing,
} from "@orlop/core";
import type { CollectableSnapshots, Database } from "@orlop/image";
import type { ChangesOptions, SnapshotChanges } from "../changes/snapshot-changes.ts";
import type { ProxySnapshotter } from "../proxy/proxy-snapshotter.ts";
import { changeLabels } from "../store/change-labels.ts";
import { type SnapshotRecord, SnapshotRecords } from "../store/snapshot-records.ts";
import { RemoteNames } from "./remote-names.ts";

interface RecordedSnapshotterOptions {
  readonly database: Database;
  /** Whose snapshots are recorded; closed with this. */
  readonly remote: ProxySnapshotter;
  /** Keys of the other one begin with it. */
  readonly namespace: string;
  /** One holder at a time, of all processes that use the database. */
  readonly lock: () => Promise<AsyncDisposable>;
}

/**
 * Somebody else's snapshotter whose snapshots are rows of our database, as they are in containerd's metadata: the rows say what
 * there is, and `cleanup` removes of the other one what has none.
 *
 * A row is there before the other one has its snapshot, and goes before that does: a snapshot without a row is what was
 * removed, or what a killed process has left. What the other one fetches it names itself, and it is there before its row
 * knows of it: that, and `cleanup`, are for one at a time.
 */
export class RecordedSnapshotter implements Snapshotter, CollectableSnapshots {
  readonly name: string;
  readonly rebases: boolean;
  readonly fetches = true;
  readonly #records: SnapshotRecords;
  readonly #remote: ProxySnapshotter;
  readonly #names: RemoteNames;
  readonly #lock: () => Promise<AsyncDisposable>;

  constructor({ database, remote, namespace, lock }: RecordedSnapshotterOptions) {
    this.name = remote.name;
    this.rebases = remote.rebases;
    this.#records = new SnapshotRecords(database, remote.name);
    this.#remote = remote;
    this.#names = new RemoteNames(namespace);
    this.#lock = lock;
  }

  async stat(key: string): Promise<SnapshotInfo> {
    return this.#records.find(key).info;
  }

  async update(key: string, labels: Readonly<Record<string, string | undefined>>): Promise<SnapshotInfo> {
    return this.#records.exclusively(() => {
      const { id, info } = this.#records.find(key);
      this.#records.setLabels(id, changeLabels(info.labels, labels));
      return this.#records.find(key).info;
    });
  }

  async usage(key: string): Promise<SnapshotUsage> {
    const record = this.#records.find(key);
    if (record.usage !== undefined) return record.usage;
    const found = await this.#remote.usage(this.#names.of(record));
    if (record.info.kind === "committed") this.#records.exclusively(() => this.#records.setUsage(record.id, found));
    return found;
  }

  async mounts(key: string): Promise<readonly SnapshotMount[]> {
    const record = this.#records.find(key);
    if (record.info.kind !== "committed") return await this.#remote.mounts(this.#names.of(record));
    throw new OrlopError("conflict", `Cannot mount snapshot "${key}": it is committed\nTry a view of it.`);
  }

  async prepare(
    key: string,
    parent: string | undefined,
    options: PrepareOptions = {},
  ): Promise<readonly SnapshotMount[]> {
    const target = options.labels?.[LABEL_SNAPSHOT_REF];
    if (target === undefined) return await this.#make("active", key, parent, options);
    await using _lock = await this.#lock();
    this.#records.checkFree(target);
    return await this.#make("active", key, parent, { ...options, target });
  }

  async view(
    key: string,
    parent: string | undefined,
    options: SnapshotOptions = {},
  ): Promise<readonly SnapshotMount[]> {
    return await this.#make("view", key, parent, options);
  }

  async apply(key: string, entries: LayerEntries): Promise<void> {
    await this.#remote.apply(this.#names.of(this.#active("apply layer to", key)), entries);
  }

  /**
   * What has been written to an active snapshot and differs from its parent.
   *
   * @throws OrlopError `not-found`, `conflict` for one that is not active, `unsupported` where its mounts do not tell
   */
  async changes(key: string, options: ChangesOptions = {}): Promise<SnapshotChanges> {
    return await this.#remote.changes(this.#names.of(this.#active("compare", key)), options);
  }

  async commit(name: string, key: string, { labels = {}, parent }: CommitOptions = {}): Promise<void> {
    const record = this.#active("commit", key);
    this.#records.checkFree(name);
    await this.#remote.commit(this.#names.named(record.id, name), this.#names.of(record), {
      labels: this.#names.labels(labels),
      ...(parent === undefined ? {} : { parent: this.#parent(parent) }),
    });
    this.#records.exclusively(() => {
      // Others may have been here meanwhile.
      const { id, info } = this.#active("commit", key);
      this.#records.commit(id, name, this.#records.chain(parent ?? info.parent)[0], labels);
    });
  }

  async remove(key: string): Promise<void> {
    const durable = this.#records.find(key).info.kind === "committed";
    const record = this.#records.exclusively(() => this.#delete(key), { durable });
    await unlessMissing(this.#remote.remove(this.#names.of(record)));
  }

  async *walk(): AsyncGenerator<SnapshotInfo> {
    yield* this.records();
  }

  /** All of them; within a transaction of the database as that sees them. */
  records(): readonly SnapshotInfo[] {
    return this.#records.all().map(({ info }) => info);
  }

  /** One of them, where it is there. */
  record(key: string): SnapshotInfo | undefined {
    return this.#records.get(key)?.info;
  }

  /** @throws OrlopError `unsupported`: the protocol knows no limits */
  async checkLimit(): Promise<void> {
    throw new OrlopError("unsupported", `Cannot limit what is written: snapshotter "${this.name}" cannot do that`);
  }

  /**
   * Within a transaction of the database: from its end on the snapshot is not known any more. The other one has it until
   * `cleanup`.
   *
   * @throws OrlopError `not-found`, `conflict`
   */
  forget(key: string): void {
    this.#delete(key);
  }

  async cleanup(): Promise<void> {
    await using _lock = await this.#lock();
    // In this order: what is found has its row by then, if it is to have one.
    const found = await Array.fromAsync(this.#remote.walk());
    for (const name of this.#names.unknown(found, this.#records.all())) await unlessMissing(this.#remote.remove(name));
    await this.#remote.cleanup();
  }

  async close(): Promise<void> {
    await this.#remote.close();
  }

  async #make(
    kind: "active" | "view",
    key: string,
    parent: string | undefined,
    { labels = {}, target, ...options }: PrepareOptions & { readonly target?: string },
  ): Promise<readonly SnapshotMount[]> {
    const make = (): SnapshotRecord => {
      const [below] = this.#records.chain(parent);
      this.#records.insert(key, kind, below, labels);
      return this.#records.find(key);
    };
    const record = this.#records.exclusively(make, { durable: false });
    const below = parent === undefined ? undefined : this.#parent(parent);
    const all = { ...options, labels: this.#names.labels(labels) };
    try {
      const name = this.#names.of(record);
      return await (kind === "view" ? this.#remote.view(name, below, all) : this.#remote.prepare(name, below, all));
    } catch (error) {
      let taken = false;
      try {
        taken = target !== undefined && hasCode(error, "exists") && (await this.#take(record, target, below));
      } finally {
        if (!taken) this.#records.exclusively(() => this.#delete(key), { durable: false });
      }
      throw error;
    }
  }

  /** Makes of a row that of the snapshot that the other one has made instead; false where there is none. */
  async #take(record: SnapshotRecord, target: string, below: string | undefined): Promise<boolean> {
    for await (const { kind, key, parent, labels } of this.#remote.walk()) {
      if (kind !== "committed" || labels[LABEL_SNAPSHOT_REF] !== target || parent !== below) continue;
      const { id, parentId, info } = record;
      this.#records.exclusively(() => {
        this.#records.commit(id, target, parentId, this.#names.labelsOf(key, info.labels));
      });
      return true;
    }
    return false;
  }

  #parent(name: string): string {
    return this.#names.of(this.#records.find(name));
  }

  #delete(key: string): SnapshotRecord {
    const record = this.#records.find(key);
    this.#records.delete(key);
    return record;
  }

  #active(verb: string, key: string): SnapshotRecord {
    const record = this.#records.find(key);
    if (record.info.kind === "active") return record;
    throw new OrlopError("conflict", `Cannot ${verb} snapshot "${key}": it is ${record.info.kind}, not active`);
  }
}

function hasCode(error: unknown, code: OrlopError["code"]): boolean {
  return error instanceof OrlopError && error.code === code;
}
