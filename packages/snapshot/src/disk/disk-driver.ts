import { randomUUID } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
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
import { statAttributes } from "../directory/stat-attributes.ts";
import { bindMount } from "../mounts/overlay-mount.ts";
import { copyTree } from "../native/copy-tree.ts";
import { passingName } from "../store/passing-name.ts";
import { removeTree } from "../store/remove-tree.ts";
import type { SnapshotDriver, SnapshotFiles } from "../store/snapshot-driver.ts";
import { syncPath } from "../store/sync-path.ts";
import { makeSpecialFiles } from "../system/special-files.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import { treeChanges } from "../whole/tree-changes.ts";
import type { DiskKeeper } from "./disk-keeper.ts";
import { trimDisk } from "./trim-disk.ts";

/** Names in the directory of a snapshot, beside the disk: made when the copy of the parent was complete, by its ctime; */
const COPIED = "copied";
/** when a layer is applied, and there until the snapshot is committed; */
const APPLIED = "applied";
/** what a view of nothing shows. */
const EMPTY = "empty";
const SCRATCH = "scratch";

/** What is measured of a new file system may be so much more than was asked for. */
const SLACK_BYTES = 1 << 20;
const SLACK_PART = 0.01;
/** The first is a guess. */
const MAKES_MAX = 4;

/** Every snapshot a disk of its own with a root file system in whole, made of its parent's. */
export class DiskDriver implements SnapshotDriver {
  readonly name: string;
  readonly rebases = false;
  readonly #disks: DiskKeeper;
  readonly #system: SystemCalls;
  /** What is to be said of layers that have been applied, by the directories of their snapshots. */
  readonly #applied = new Map<string, Labels>();

  constructor(disks: DiskKeeper, system: SystemCalls) {
    this.name = disks.name;
    this.#disks = disks;
    this.#system = system;
  }

  async checkLimit(): Promise<void> {
    this.#disks.checkLimit();
  }

  /** Only of a view: an active one is filled. */
  prepare({ directory, below }: SnapshotFiles): void {
    if (below.length === 0) mkdirSync(join(directory, EMPTY), { mode: 0o755 });
  }

  async fill({ directory, below }: SnapshotFiles, { sizeMaxBytes }: PrepareOptions): Promise<void> {
    const [parent] = below;
    if (parent !== undefined && sizeMaxBytes === undefined && this.#disks.isUsual(parent)) {
      await this.#disks.copy(parent, directory);
    } else {
      using before = parent === undefined ? undefined : await this.#disks.open(parent, true);
      if (sizeMaxBytes === undefined) await this.#disks.make(directory);
      else await this.#makeLimited(directory, (before === undefined ? 0 : usedBytes(before.path)) + sizeMaxBytes);
      if (before !== undefined) await this.#copyFiles(before.path, directory);
    }
    writeFileSync(join(directory, COPIED), "");
  }

  mounts({ directory, below: [parent] }: SnapshotFiles, kind: SnapshotKind): readonly SnapshotMount[] {
    if (kind === "view" && parent === undefined) return [bindMount(join(directory, EMPTY), true)];
    if (kind !== "view") checkWritable("mount", directory);
    const readonly = kind === "view";
    const disk =
      readonly && parent !== undefined ? this.#disks.view(directory, parent) : this.#disks.mount(directory, false);
    const { type, source, loop, options } = disk;
    return [{ type, source, options: [readonly ? "ro" : "rw", ...(loop ? ["loop"] : []), ...options] }];
  }

  async show({ directory, below: [parent] }: SnapshotFiles, kind: SnapshotKind): Promise<void> {
    if (kind !== "view") await this.#disks.show?.(directory, undefined);
    else if (parent !== undefined) await this.#disks.show?.(directory, parent);
  }

  async cleanup(): Promise<void> {
    await this.#disks.cleanup?.();
  }

  async apply(
    { directory, below }: { readonly directory: string; readonly below: readonly string[] | undefined },
    entries: AsyncIterable<LayerEntry>,
  ): Promise<void> {
    const hasParent = (below ?? []).length > 0;
    using disk = await this.#disks.open(directory, false);
    const tree = disk.path;
    if (existsSync(join(directory, APPLIED)) || (!hasParent && readdirSync(tree).length > 0)) {
      throw new OrlopError("conflict", `Cannot apply layer to snapshot in "${directory}": it holds something already`);
    }
    writeFileSync(join(directory, APPLIED), "");
    // On the same file system as what becomes of it, under a name that no layer has.
    const staging = join(tree, `.orlop-${randomUUID()}`);
    mkdirSync(staging, { mode: 0o700 });
    const onto = new DirectoryLayer(tree, {
      ...NO_FACTS,
      xattrs: await directoryXattrs(this.#system, tree, join(directory, SCRATCH)),
    });
    const layers = hasParent ? [onto] : [];
    const system = this.#system;
    const writer = new DirectoryLayerWriter(layers, {
      staging,
      system,
      keepOwners: true,
      overlayXattrs: "trusted",
      onto,
    });
    await writer.add(entries);
    const { labels } = await writer.finish(tree, layers);
    const attributes = { ...statAttributes(lstatSync(tree, { bigint: true })), xattrs: new Map() };
    await removeTree(staging);
    // The root has the time that the layer says, or that was there.
    await makeSpecialFiles(system, tree, [{ kind: "time", path: ".", attributes }], true);
    this.#applied.set(directory, labels);
  }

  async *entries({ directory, below: [parent] }: SnapshotFiles): AsyncGenerator<LayerEntry> {
    checkWritable("compare", directory);
    const { ctimeNs } = lstatSync(join(directory, COPIED), { bigint: true });
    using disk = await this.#disks.open(directory, false);
    using before = parent === undefined ? undefined : await this.#disks.open(parent, true);
    const origin = before === undefined ? undefined : { directory: before.path, copiedAtNs: ctimeNs };
    yield* treeChanges(disk.path, origin, {
      system: this.#system,
      scratch: join(dirname(directory), passingName()),
      ownIsRoot: false,
    });
  }

  async open([parent]: readonly string[]): Promise<readonly (DirectoryLayer & Disposable)[]> {
    if (parent === undefined) return [];
    using stack = new DisposableStack();
    const { path } = stack.use(await this.#disks.open(parent, true));
    const layer = new DirectoryLayer(path, NO_FACTS);
    const opened = stack.move();
    return [Object.assign(layer, { [Symbol.dispose]: () => opened.dispose() })];
  }

  async commit({ directory }: SnapshotFiles): Promise<Labels> {
    const labels = existsSync(join(directory, APPLIED)) ? this.#applied.get(directory) : {};
    if (labels === undefined) {
      const what = "whoever applied its layer has not finished\nTry to remove it, and to apply the layer again.";
      throw new OrlopError("conflict", `Cannot commit snapshot in "${directory}": ${what}`);
    }
    {
      // What a crash has left in its journal is done, as it can only be read from now on.
      using disk = await this.#disks.open(directory, false);
      await trimDisk(this.#system, disk.path);
    }
    await this.#disks.seal(directory);
    await Promise.all([directory, dirname(directory)].map(syncPath));
    return labels;
  }

  async tidy(directory: string): Promise<void> {
    for (const name of [COPIED, APPLIED, SCRATCH]) rmSync(join(directory, name), { force: true });
  }

  /** On the disk that is what is on the file system, and blocks shared with the parent's are counted there, too. */
  async usage({ directory }: SnapshotFiles): Promise<SnapshotUsage> {
    if (existsSync(join(directory, EMPTY))) return { sizeBytes: 0, inodes: 1 };
    using disk = await this.#disks.open(directory, !existsSync(join(directory, COPIED)));
    const { files, ffree } = statfsSync(disk.path);
    return { sizeBytes: usedBytes(disk.path), inodes: files - ffree };
  }

  async remove(directory: string): Promise<void> {
    await this.#disks.remove(directory);
  }

  forget(directory: string): void {
    this.#applied.delete(directory);
  }

  async close(): Promise<void> {
    this.#applied.clear();
  }

  /** How much a file system needs for itself is seen when it is there; it takes little time to make one. */
  async #makeLimited(directory: string, freeBytes: number): Promise<void> {
    let sizeBytes = freeBytes;
    for (let makes = 0; makes < MAKES_MAX; makes++) {
      await this.#disks.make(directory, sizeBytes);
      using disk = await this.#disks.open(directory, false);
      const { bavail, bsize } = statfsSync(disk.path);
      const more = bavail * bsize - freeBytes;
      if (more >= 0 && more <= SLACK_BYTES + freeBytes * SLACK_PART) return;
      sizeBytes += Math.ceil((SLACK_BYTES / 2 - more) * 1.005);
    }
    throw new OrlopError("failed", `Cannot limit snapshot: no file system has ${freeBytes} bytes to write to`);
  }

  async #copyFiles(from: string, directory: string): Promise<void> {
    using disk = await this.#disks.open(directory, false);
    const options = { system: this.#system, scratch: join(directory, SCRATCH), keepOwners: true };
    await copyTree(from, disk.path, options);
  }
}

function usedBytes(path: string): number {
  const { blocks, bfree, bsize } = statfsSync(path);
  return (blocks - bfree) * bsize;
}

function checkWritable(verb: string, directory: string): void {
  if (!existsSync(join(directory, APPLIED))) return;
  const what = "a layer has been applied\nTry to commit it.";
  throw new OrlopError("conflict", `Cannot ${verb} snapshot in "${directory}": ${what}`);
}
