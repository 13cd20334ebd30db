import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  type Labels,
  type LayerEntry,
  OrlopError,
  type SnapshotKind,
  type SnapshotMount,
  type SnapshotUsage,
} from "@orlop/core";
import { DirectoryLayer } from "../directory/directory-layer.ts";
import type { DirectoryLayerWriter } from "../directory/directory-layer-writer.ts";
import { readFileFacts, writeFileFacts } from "../directory/file-facts.ts";
import { bindMount, overlayMount } from "../mounts/overlay-mount.ts";
import type { ProjectLimits } from "../projects/project-limits.ts";
import { diskUsage } from "../store/disk-usage.ts";
import { makeUpper } from "../store/make-upper.ts";
import { removeTree } from "../store/remove-tree.ts";
import type { SnapshotDriver, SnapshotFiles } from "../store/snapshot-driver.ts";
import { syncPath } from "../store/sync-path.ts";
import type { SystemCalls } from "../system/system-calls.ts";

/** Names in the directory of a snapshot; the first two as containerd's snapshotter has them. */
const LAYER = "fs";
const WORK = "work";
const FACTS = "facts.json";
const STAGING = "staging";
const SCRATCH = "scratch";

interface Applied {
  readonly writer: DirectoryLayerWriter;
  /** The layers below, once it has been finished on them, and what is to be said of it. */
  finished?: { readonly on: string; readonly labels: Labels };
}

/** Every layer a directory, put on each other by overlay. */
export class OverlayDriver implements SnapshotDriver {
  readonly name = "overlay";
  readonly rebases = true;
  readonly #system: SystemCalls;
  readonly #limits: ProjectLimits;
  /** Not root of the machine: overlay is mounted in a user namespace, and all files have one owner. */
  readonly #rootless: boolean;
  /** By the directories of their snapshots. */
  readonly #applied = new Map<string, Applied>();

  constructor(system: SystemCalls, limits: ProjectLimits, rootless: boolean) {
    this.#system = system;
    this.#limits = limits;
    this.#rootless = rootless;
  }

  async checkLimit(): Promise<void> {
    await this.#limits.check();
  }

  async limit(directory: string, sizeMaxBytes: number): Promise<void> {
    // One for both, between which files are renamed.
    await this.#limits.begin(directory, [join(directory, LAYER), join(directory, WORK)]);
    await this.#limits.set(directory, sizeMaxBytes);
  }

  prepare({ directory, below }: SnapshotFiles, kind: SnapshotKind): void {
    if (kind === "view" && below.length > 0) return;
    makeUpper(join(directory, LAYER), below[0] === undefined ? undefined : openLayer(below[0]).root.attributes);
    mkdirSync(join(directory, WORK), { mode: 0o711 });
  }

  mounts({ directory, below }: SnapshotFiles, kind: SnapshotKind): readonly SnapshotMount[] {
    const lower = below.map((each) => join(each, LAYER));
    const userxattr = this.#rootless;
    const [upper, work] = [join(directory, LAYER), join(directory, WORK)];
    const [single = upper] = lower;
    if (kind === "view") return [lower.length > 1 ? overlayMount({ lower, userxattr }) : bindMount(single, true)];
    checkWritable("mount", directory);
    return [lower.length === 0 ? bindMount(upper, false) : overlayMount({ lower, writes: { upper, work }, userxattr })];
  }

  async apply(
    { directory, below }: { readonly directory: string; readonly below: readonly string[] | undefined },
    entries: AsyncIterable<LayerEntry>,
  ): Promise<void> {
    const [layer, staging] = [join(directory, LAYER), join(directory, STAGING)];
    if (existsSync(staging) || readdirSync(layer).length > 0) {
      throw new OrlopError("conflict", `Cannot apply layer to snapshot in "${directory}": it holds something already`);
    }
    this.#limits.checkApply(directory);
    mkdirSync(staging, { mode: 0o700 });
    // Loaded no sooner, as whatever else makes layers: most only put containers on them.
    const { DirectoryLayerWriter } = await import("../directory/directory-layer-writer.ts");
    const writer = new DirectoryLayerWriter(below?.map(openLayer), {
      staging,
      system: this.#system,
      keepOwners: !this.#rootless,
      overlayXattrs: this.#rootless ? "user" : "trusted",
    });
    await writer.add(entries);
    this.#applied.set(directory, { writer });
  }

  entries({ directory }: SnapshotFiles): AsyncGenerator<LayerEntry> {
    checkWritable("compare", directory);
    const scratch = join(directory, `${SCRATCH}-${randomUUID()}`);
    return this.#upperEntries(directory, scratch);
  }

  async *#upperEntries(directory: string, scratch: string): AsyncGenerator<LayerEntry> {
    const { upperEntries } = await import("../directory/upper-entries.ts");
    yield* upperEntries(join(directory, LAYER), { system: this.#system, scratch, ownIsRoot: this.#rootless });
  }

  open(below: readonly string[]): readonly DirectoryLayer[] {
    return below.map(openLayer);
  }

  async commit({ directory, below }: SnapshotFiles): Promise<Labels> {
    const on = below.join("\n");
    let labels: Labels = {};
    if (existsSync(join(directory, STAGING))) labels = await this.#finish(directory, below.map(openLayer), on);
    else {
      const scratch = join(directory, SCRATCH);
      rmSync(scratch, { force: true });
      const { upperFacts } = await import("../directory/upper-facts.ts");
      const facts = await upperFacts(join(directory, LAYER), {
        system: this.#system,
        scratch,
        ownIsRoot: this.#rootless,
      });
      await writeFileFacts(join(directory, FACTS), facts);
    }
    await this.#system.syncFileSystem(directory);
    await Promise.all([directory, dirname(directory)].map(syncPath));
    return labels;
  }

  async #finish(directory: string, below: readonly DirectoryLayer[], on: string): Promise<Labels> {
    const applied = this.#applied.get(directory);
    if (applied === undefined) throw again(directory, "whoever applied its layer has not finished");
    const { finished } = applied;
    if (finished?.on === on) return finished.labels;
    if (finished !== undefined) throw again(directory, "it has been finished on another parent");
    try {
      rmdirSync(join(directory, LAYER));
      const { facts, labels } = await applied.writer.finish(join(directory, LAYER), below);
      await writeFileFacts(join(directory, FACTS), facts);
      applied.finished = { on, labels };
      return labels;
    } catch (error) {
      this.forget(directory);
      throw error;
    }
  }

  async tidy(directory: string): Promise<void> {
    await this.#limits.lift(directory);
    for (const name of readdirSync(directory)) {
      if (name !== LAYER && name !== FACTS) await removeTree(join(directory, name));
    }
  }

  async usage({ directory }: SnapshotFiles): Promise<SnapshotUsage> {
    return await diskUsage([directory]);
  }

  async remove(directory: string): Promise<void> {
    await this.#limits.lift(directory);
    await removeTree(directory);
  }

  forget(directory: string): void {
    this.#applied.delete(directory);
  }

  async close(): Promise<void> {
    this.#applied.clear();
  }
}

function openLayer(directory: string): DirectoryLayer {
  return new DirectoryLayer(join(directory, LAYER), readFileFacts(join(directory, FACTS)));
}

function checkWritable(verb: string, directory: string): void {
  if (!existsSync(join(directory, STAGING))) return;
  const what = "a layer has been applied\nTry to commit it.";
  throw new OrlopError("conflict", `Cannot ${verb} snapshot in "${directory}": ${what}`);
}

function again(directory: string, what: string): OrlopError {
  const way = "Try to remove it, and to apply the layer again.";
  return new OrlopError("conflict", `Cannot commit snapshot in "${directory}": ${what}\n${way}`);
}
