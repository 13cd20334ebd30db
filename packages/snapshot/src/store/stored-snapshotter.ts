import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import {
  type CommitOptions,
  type LayerEntries,
  type LayerEntry,
  OrlopError,
  type PrepareOptions,
  type SnapshotInfo,
  type SnapshotKind,
  type SnapshotMount,
  type SnapshotOptions,
  type Snapshotter,
  type SnapshotUsage,
} from "@orlop/core";
import type { Database } from "@orlop/image";
import { systemFailure } from "@orlop/kernel";
import type { ChangesOptions, SnapshotChanges } from "../changes/snapshot-changes.ts";
import { changeLabels } from "./change-labels.ts";
import { isLeftPassing, passingName } from "./passing-name.ts";
import type { SnapshotDriver, SnapshotFiles } from "./snapshot-driver.ts";
import { type SnapshotRecord, SnapshotRecords } from "./snapshot-records.ts";

interface StoredSnapshotterOptions {
  /** Of this snapshotter alone; made by the first use. */
  readonly directory: string;
  readonly database: Database;
  readonly driver: SnapshotDriver;
  /** Of the driver; closed with it. */
  readonly system: Disposable;
}

/** `noted`: there was nothing to compare it with before. */
export type LayerState = "sound" | "damaged" | "noted";

/** The digest of fs-verity of a committed snapshot's file. */
const LABEL_FSVERITY = "orlop.io/fsverity";

/** What is to become the directory of a snapshot. */
interface FilledDirectory {
  readonly directory: string;
  /** Id of the parent that it was filled on. */
  readonly on: number | undefined;
}

/** Directories that nobody knows by an id any more. */
const REMOVED = "removed-";

/**
 * A snapshotter whose snapshots are rows of a database and directories named for their ids.
 *
 * A directory is made within the transaction that makes its row, and removed after the one that removes the row: one without
 * a row, whenever nobody else is in a transaction, is what a killed process has left. What takes long to fill gets its id as a
 * name within that transaction: before, nobody knows of it, and it is left when its process is gone.
 */
export class StoredSnapshotter implements Snapshotter {
  readonly name: string;
  readonly rebases: boolean;
  readonly #directory: string;
  readonly #records: SnapshotRecords;
  readonly #driver: SnapshotDriver;
  readonly #system: Disposable;
  /** Keys that a call is at work on. */
  readonly #busy = new Set<string>();
  #removed = 0;

  constructor({ directory, database, driver, system }: StoredSnapshotterOptions) {
    this.name = driver.name;
    this.rebases = driver.rebases;
    this.#directory = directory;
    this.#records = new SnapshotRecords(database, driver.name);
    this.#driver = driver;
    this.#system = system;
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
    const { id, info, usage } = record;
    if (usage !== undefined) return usage;
    const found = await this.#driver.usage(this.#files(record));
    if (info.kind === "committed") this.#records.exclusively(() => this.#records.setUsage(id, found));
    return found;
  }

  async mounts(key: string): Promise<readonly SnapshotMount[]> {
    const record = this.#records.find(key);
    const { kind } = record.info;
    if (kind !== "committed") {
      await this.#driver.show?.(this.#files(record), kind);
      return this.#driver.mounts(this.#files(record), kind);
    }
    throw new OrlopError("conflict", `Cannot mount snapshot "${key}": it is committed\nTry a view of it.`);
  }

  /**
   * As `prepare` with a limit, before there is anything to prepare on.
   *
   * @throws OrlopError `unsupported`
   */
  async checkLimit(): Promise<void> {
    await this.#driver.checkLimit();
  }

  async prepare(
    key: string,
    parent: string | undefined,
    options: PrepareOptions = {},
  ): Promise<readonly SnapshotMount[]> {
    const { sizeMaxBytes } = options;
    if (sizeMaxBytes !== undefined) await this.checkLimit();
    const driver = this.#driver;
    if (driver.fill !== undefined) return await this.#fill(key, parent, options, driver.fill.bind(driver));
    if (sizeMaxBytes === undefined) return this.#make("active", key, parent, options);
    return await this.#fill(key, parent, options, async (files) => {
      mkdirSync(files.directory, { mode: 0o711 });
      driver.prepare(files, "active");
      await driver.limit?.(files.directory, sizeMaxBytes);
    });
  }

  async view(
    key: string,
    parent: string | undefined,
    options: SnapshotOptions = {},
  ): Promise<readonly SnapshotMount[]> {
    const mounts = this.#make("view", key, parent, options);
    if (this.#driver.show === undefined) return mounts;
    try {
      await this.#driver.show(this.#files(this.#records.find(key)), "view");
      return mounts;
    } catch (error) {
      await this.remove(key);
      throw error;
    }
  }

  async apply(key: string, entries: LayerEntries): Promise<void> {
    await this.#alone("apply layer to", key, async () => {
      const record = this.#active("apply layer to", key);
      const { directory, below } = this.#files(record);
      await this.#driver.apply({ directory, below: below.length > 0 || !this.rebases ? below : undefined }, entries);
    });
  }

  /**
   * All that an active snapshot has over its parent, the root with its times and places for mounts included, as the entries of a
   * layer: the same files, the same entries.
   *
   * @throws OrlopError `not-found`, `conflict` for one that is not active, or that a layer has been applied to
   */
  async *upperEntries(key: string): AsyncGenerator<LayerEntry> {
    yield* this.#driver.entries(this.#files(this.#active("compare", key)));
  }

  /**
   * What has been written to an active snapshot and differs from its parent.
   *
   * @throws OrlopError `not-found`, `conflict` for one that is not active, or that a layer has been applied to
   */
  async changes(key: string, options: ChangesOptions = {}): Promise<SnapshotChanges> {
    const { SnapshotChanges } = await import("../changes/snapshot-changes.ts");
    const files = this.#files(this.#active("compare", key));
    const below = await this.#driver.open(files.below);
    return new SnapshotChanges({ entries: () => this.#driver.entries(files), below }, options);
  }

  async commit(name: string, key: string, { labels = {}, parent }: CommitOptions = {}): Promise<void> {
    await this.#alone("commit", key, async () => {
      const record = this.#active("commit", key);
      const below = parent ?? record.info.parent;
      this.#checkRebase(record, parent);
      const directory = this.#place(record.id);
      const files = { directory, below: this.#records.chain(below).map((each) => this.#place(each)) };
      const own = await this.#driver.commit(files);
      this.#records.exclusively(() => {
        // Others may have been here meanwhile.
        const { id } = this.#active("commit", key);
        this.#records.commit(id, name, this.#records.chain(below)[0], { ...labels, ...own });
      });
      this.#driver.forget(directory);
      await this.#driver.tidy(directory);
    });
  }

  async remove(key: string): Promise<void> {
    await this.#alone("remove", key, async () => {
      const directory = (await this.#forgetUncommitted(key)) ?? this.#place(this.#forgetCommitted(key));
      this.#driver.forget(directory);
      await this.#driver.remove(directory);
    });
  }

  /**
   * Whether a committed snapshot is what it was when this was asked for the first time, which keeps its digest in a label;
   * undefined where snapshots are no files that have one.
   *
   * @throws OrlopError `not-found`, `conflict` for one that is not committed
   */
  async verify(key: string, signal?: AbortSignal): Promise<LayerState | undefined> {
    const { id, info } = this.#records.find(key);
    if (info.kind !== "committed") {
      throw new OrlopError("conflict", `Cannot verify snapshot "${key}": it is ${info.kind}, and may change`);
    }
    if (this.#driver.digest === undefined) return undefined;
    const digest = await this.#driver.digest(this.#place(id), signal);
    return this.#records.exclusively(() => {
      const { id: now, info } = this.#records.find(key);
      // It was removed meanwhile, and its files with it.
      if (now !== id) return undefined;
      const known = info.labels[LABEL_FSVERITY];
      if (digest === undefined || (known !== undefined && known !== digest)) return "damaged";
      if (known !== undefined) return "sound";
      this.#records.setLabels(id, { ...info.labels, [LABEL_FSVERITY]: digest });
      return "noted";
    });
  }

  async *walk(): AsyncGenerator<SnapshotInfo> {
    yield* this.records();
  }

  /** All of them; within a transaction of the database as that sees them. */
  records(): readonly SnapshotInfo[] {
    return this.#records.all().map(({ info }) => info);
  }

  /** Keys of those whose directories are gone. */
  lacking(): readonly string[] {
    return this.#records.all().flatMap(({ id, info }) => (existsSync(this.#place(id)) ? [] : [info.key]));
  }

  /** Directories of snapshots that have no row. Nobody may be at work meanwhile. */
  unknown(): readonly string[] {
    const known = new Set(this.#records.all().map(({ id }) => `${id}`));
    return this.#list().flatMap((name) =>
      /^\d+$/.test(name) && !known.has(name) ? [join(this.#directory, name)] : [],
    );
  }

  /** One of them, where it is there. */
  record(key: string): SnapshotInfo | undefined {
    return this.#records.get(key)?.info;
  }

  /**
   * Within a transaction of the database: from its end on the snapshot is not known any more. Its directory is left to
   * `cleanup`.
   *
   * @throws OrlopError `not-found`, `conflict`
   */
  forget(key: string): void {
    this.#driver.forget(this.#place(this.#records.delete(key)));
  }

  async cleanup(): Promise<void> {
    const known = this.#records.exclusively(() => {
      const records = this.#records.all();
      const names = new Set(records.map(({ id }) => `${id}`));
      // Under another name nobody can get one with a new row.
      for (const name of this.#list()) {
        if ((/^\d+$/.test(name) && !names.has(name)) || isLeftPassing(name)) this.#setAside(name);
      }
      return records;
    });
    await this.#driver.cleanup?.();
    for (const { id, info } of known) if (info.kind === "committed") await this.#driver.tidy(this.#place(id));
    for (const name of this.#list())
      if (name.startsWith(REMOVED)) await this.#driver.remove(join(this.#directory, name));
  }

  async close(): Promise<void> {
    await this.#driver.close();
    this.#system[Symbol.dispose]();
  }

  /** As {@link #make}, of what is filled first: that holds nobody up, and leaves nothing where it comes to nothing. */
  async #fill(
    key: string,
    parent: string | undefined,
    options: PrepareOptions,
    fill: NonNullable<SnapshotDriver["fill"]>,
  ): Promise<readonly SnapshotMount[]> {
    this.#records.checkFree(key);
    const below = this.#records.chain(parent);
    const directory = join(this.#directory, passingName());
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o711 });
      await fill({ directory, below: below.map((each) => this.#place(each)) }, options);
      return this.#make("active", key, parent, { ...options, filled: { directory, on: below[0] } });
    } catch (error) {
      // What cannot be removed now is found by who cleans up when this process is gone.
      await this.#driver.remove(directory).catch(() => {});
      if (error instanceof OrlopError) throw error;
      throw systemFailure(`make snapshot "${key}"`, error);
    }
  }

  #make(
    kind: SnapshotKind,
    key: string,
    parent: string | undefined,
    { labels = {}, filled }: SnapshotOptions & { readonly filled?: FilledDirectory },
  ): readonly SnapshotMount[] {
    try {
      const make = (): readonly SnapshotMount[] => {
        const below = this.#records.chain(parent);
        const id = this.#records.insert(key, kind, below[0], labels);
        const files = { directory: this.#place(id), below: below.map((each) => this.#place(each)) };
        if (filled === undefined) {
          this.#makeDirectory(id);
          this.#driver.prepare(files, kind);
        } else {
          checkUnchanged(key, filled.on, below[0]);
          this.#makeWay(id);
          renameSync(filled.directory, files.directory);
        }
        return this.#driver.mounts(files, kind);
      };
      return this.#records.exclusively(make, { durable: false });
    } catch (error) {
      if (error instanceof OrlopError) throw error;
      throw systemFailure(`make snapshot "${key}"`, error);
    }
  }

  #forgetCommitted(key: string): number {
    return this.#records.exclusively(() => this.#records.delete(key));
  }

  /**
   * Gives its directory; undefined for a committed one, which is still there. What is not committed is of no use after a power
   * cut: neither a start nor an end of a container waits for the disk.
   */
  async #forgetUncommitted(key: string): Promise<string | undefined> {
    const forget = (): string | undefined =>
      this.#records.exclusively(
        () => (this.#records.identify(key).kind === "committed" ? undefined : this.#place(this.#records.delete(key))),
        { durable: false },
      );
    try {
      return forget();
    } catch (error) {
      if (!(error instanceof OrlopError) || error.code !== "exhausted") throw error;
      const { id, kind } = this.#records.identify(key);
      if (kind === "committed") throw error;
      // A full disk has no room for the note that something is gone, unless that is gone before. Nothing is on top of it.
      this.#driver.forget(this.#place(id));
      await this.#driver.remove(this.#place(id));
      return forget();
    }
  }

  #checkRebase({ info }: SnapshotRecord, parent: string | undefined): void {
    if (parent === undefined || parent === info.parent) return;
    const refuse = (code: "conflict" | "unsupported", what: string): never => {
      throw new OrlopError(code, `Cannot commit snapshot "${info.key}" on "${parent}": ${what}`);
    };
    if (info.parent !== undefined) refuse("conflict", `it was prepared on "${info.parent}"`);
    if (!this.rebases) refuse("unsupported", `"${this.name}" has to know the parent when the snapshot is prepared`);
  }

  #active(verb: string, key: string): SnapshotRecord {
    const record = this.#records.find(key);
    if (record.info.kind === "active") return record;
    throw new OrlopError("conflict", `Cannot ${verb} snapshot "${key}": it is ${record.info.kind}, not active`);
  }

  async #alone(verb: string, key: string, work: () => Promise<void>): Promise<void> {
    if (this.#busy.has(key)) {
      throw new OrlopError("conflict", `Cannot ${verb} snapshot "${key}": another call is at work on it`);
    }
    this.#busy.add(key);
    try {
      await work();
    } catch (error) {
      if (error instanceof OrlopError) throw error;
      throw systemFailure(`${verb} snapshot "${key}"`, error);
    } finally {
      this.#busy.delete(key);
    }
  }

  #files({ id, info }: SnapshotRecord): SnapshotFiles {
    const below = this.#records.chain(info.parent).map((each) => this.#place(each));
    return { directory: this.#place(id), below };
  }

  #place(id: number): string {
    return join(this.#directory, `${id}`);
  }

  #makeDirectory(id: number): void {
    try {
      mkdirSync(this.#place(id), { mode: 0o711 });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") mkdirSync(this.#directory, { recursive: true, mode: 0o711 });
      else if (code === "EEXIST") this.#makeWay(id);
      else throw error;
      mkdirSync(this.#place(id), { mode: 0o711 });
    }
  }

  /** The id of a row that never came to be is given again. */
  #makeWay(id: number): void {
    if (existsSync(this.#place(id))) this.#setAside(`${id}`);
  }

  #list(): readonly string[] {
    try {
      return readdirSync(this.#directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  #setAside(name: string): void {
    const aside = `${REMOVED}${process.pid}-${Date.now()}-${this.#removed++}`;
    renameSync(join(this.#directory, name), join(this.#directory, aside));
  }
}

/** Whatever was copied of a parent that was removed meanwhile is not all of it. */
function checkUnchanged(key: string, before: number | undefined, now: number | undefined): void {
  if (before === now) return;
  throw new OrlopError("conflict", `Cannot make snapshot "${key}": its parent was replaced meanwhile`);
}
