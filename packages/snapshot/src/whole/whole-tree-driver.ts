import { existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  type Labels,
  type LayerEntry,
  OrlopError,
  type PrepareOptions,
  type SnapshotKind,
  type SnapshotMount,
  type SnapshotUsage,
} from "@orlop/core";
import { DirectoryLayer } from "../directory/directory-layer.ts";
import { DirectoryLayerWriter } from "../directory/directory-layer-writer.ts";
import { directoryXattrs } from "../directory/directory-xattrs.ts";
import { NO_FACTS } from "../directory/file-facts.ts";
import { bindMount } from "../mounts/overlay-mount.ts";
import { makeUpper } from "../store/make-upper.ts";
import { passingName } from "../store/passing-name.ts";
import { removeTree } from "../store/remove-tree.ts";
import type { SnapshotDriver, SnapshotFiles } from "../store/snapshot-driver.ts";
import { syncPath } from "../store/sync-path.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import { treeChanges } from "./tree-changes.ts";
import { TREE, type TreeKeeper } from "./tree-keeper.ts";

/** Further names in the directory of a snapshot: made when the copy of the parent was complete, by its ctime; */
const COPIED = "copied";
/** for content of a layer on its way, and there until the snapshot is committed. */
const STAGING = "staging";
const SCRATCH = "scratch";

interface WholeTreeOptions {
  readonly trees: TreeKeeper;
  readonly system: SystemCalls;
  /** Not root of the machine: all files have one owner. */
  readonly rootless: boolean;
}

/** Every snapshot a root file system of its own, made of its parent's: a directory that is bound to where it is wanted. */
export class WholeTreeDriver implements SnapshotDriver {
  readonly name: string;
  readonly rebases = false;
  readonly #trees: TreeKeeper;
  readonly #system: SystemCalls;
  readonly #rootless: boolean;
  /** What is to be said of layers that have been applied, by the directories of their snapshots. */
  readonly #applied = new Map<string, Labels>();

  constructor({ trees, system, rootless }: WholeTreeOptions) {
    this.name = trees.name;
    this.#trees = trees;
    this.#system = system;
    this.#rootless = rootless;
  }

  async checkLimit(): Promise<void> {
    if (this.#trees.limits !== undefined) return await this.#trees.limits.check();
    throw new OrlopError(
      "unsupported",
      `Cannot limit snapshot: ${this.name} has no limit on what is written to a copy\nTry the snapshotter btrfs.`,
    );
  }

  /** Only of a view: an active one is filled. */
  prepare({ directory, below }: SnapshotFiles): void {
    if (below.length === 0) makeUpper(join(directory, TREE), undefined);
  }

  async fill({ directory, below }: SnapshotFiles, { sizeMaxBytes }: PrepareOptions): Promise<void> {
    const [parent] = below;
    const isLimited = sizeMaxBytes !== undefined;
    if (parent !== undefined) await this.#trees.copy(parent, directory, isLimited);
    else {
      await this.#trees.make(directory, isLimited);
      makeUpper(join(directory, TREE), undefined);
    }
    writeFileSync(join(directory, COPIED), "");
    if (isLimited) await this.#trees.limits?.set(directory, sizeMaxBytes);
  }

  mounts({ directory, below }: SnapshotFiles, kind: SnapshotKind): readonly SnapshotMount[] {
    if (kind === "view") return [bindMount(join(below[0] ?? directory, TREE), true)];
    checkWritable("mount", directory);
    return [bindMount(join(directory, TREE), false)];
  }

  async apply(
    { directory, below }: { readonly directory: string; readonly below: readonly string[] | undefined },
    entries: AsyncIterable<LayerEntry>,
  ): Promise<void> {
    const [tree, staging] = [join(directory, TREE), join(directory, STAGING)];
    const hasParent = (below ?? []).length > 0;
    if (existsSync(staging) || (!hasParent && readdirSync(tree).length > 0)) {
      throw new OrlopError("conflict", `Cannot apply layer to snapshot in "${directory}": it holds something already`);
    }
    this.#trees.limits?.checkApply?.(directory);
    mkdirSync(staging, { mode: 0o700 });
    const onto = new DirectoryLayer(tree, {
      ...NO_FACTS,
      xattrs: await directoryXattrs(this.#system, tree, join(directory, SCRATCH)),
    });
    const layers = hasParent ? [onto] : [];
    const writer = new DirectoryLayerWriter(layers, {
      staging,
      system: this.#system,
      keepOwners: !this.#rootless,
      overlayXattrs: this.#rootless ? "user" : "trusted",
      onto,
    });
    await writer.add(entries);
    const { labels } = await writer.finish(tree, layers);
    this.#applied.set(directory, labels);
  }

  async *entries({ directory, below: [parent] }: SnapshotFiles): AsyncGenerator<LayerEntry> {
    checkWritable("compare", directory);
    const { ctimeNs } = lstatSync(join(directory, COPIED), { bigint: true });
    const origin = parent === undefined ? undefined : { directory: join(parent, TREE), copiedAtNs: ctimeNs };
    yield* treeChanges(join(directory, TREE), origin, {
      system: this.#system,
      // In the snapshot itself there may be no room left.
      scratch: join(dirname(directory), passingName()),
      ownIsRoot: this.#rootless,
    });
  }

  open([parent]: readonly string[]): readonly DirectoryLayer[] {
    return parent === undefined ? [] : [new DirectoryLayer(join(parent, TREE), NO_FACTS)];
  }

  async commit({ directory }: SnapshotFiles): Promise<Labels> {
    const labels = existsSync(join(directory, STAGING)) ? this.#applied.get(directory) : {};
    if (labels === undefined) {
      const what = "whoever applied its layer has not finished\nTry to remove it, and to apply the layer again.";
      throw new OrlopError("conflict", `Cannot commit snapshot in "${directory}": ${what}`);
    }
    await this.#trees.checkCommit(directory);
    await this.#system.syncFileSystem(directory);
    await Promise.all([directory, dirname(directory)].map(syncPath));
    return labels;
  }

  async tidy(directory: string): Promise<void> {
    await this.#trees.limits?.lift(directory);
    for (const name of readdirSync(directory)) if (name !== TREE) await removeTree(join(directory, name));
    await this.#trees.seal(directory);
  }

  async usage(files: SnapshotFiles): Promise<SnapshotUsage> {
    return await this.#trees.usage(files);
  }

  async remove(directory: string): Promise<void> {
    await this.#trees.remove(directory);
  }

  forget(directory: string): void {
    this.#applied.delete(directory);
  }

  async close(): Promise<void> {
    this.#applied.clear();
  }
}

function checkWritable(verb: string, directory: string): void {
  if (!existsSync(join(directory, STAGING))) return;
  const what = "a layer has been applied\nTry to commit it.";
  throw new OrlopError("conflict", `Cannot ${verb} snapshot in "${directory}": ${what}`);
}
