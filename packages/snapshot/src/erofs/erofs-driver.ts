import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  type Labels,
  type LayerEntries,
  type LayerEntry,
  OrlopError,
  type SnapshotKind,
  type SnapshotMount,
  type SnapshotUsage,
} from "@orlop/core";
import type { Attributes } from "../layer/lower-layer.ts";
import { bindMount, overlayMount } from "../mounts/overlay-mount.ts";
import type { ProjectLimits } from "../projects/project-limits.ts";
import { diskUsage } from "../store/disk-usage.ts";
import { makeUpper } from "../store/make-upper.ts";
import { removeTree } from "../store/remove-tree.ts";
import type { SnapshotDriver, SnapshotFiles } from "../store/snapshot-driver.ts";
import { syncPath } from "../store/sync-path.ts";
import type { SystemCalls } from "../system/system-calls.ts";
import { ErofsLayer } from "./erofs-layer.ts";
import type { ErofsLayerWriter } from "./erofs-layer-writer.ts";

/** Names in the directory of a snapshot, as containerd's snapshotter has them. */
const LAYER = "layer.erofs";
/** What {@link LAYER} is the index of. */
const ARCHIVE = "layer.tar";
const UPPER = "fs";
const WORK = "work";
/** An image on its way. */
const PARTIAL = "layer.erofs.partial";
const SCRATCH = "scratch";

/** Layers that are in use at a time are fewer. */
const LAYERS_MAX = 256;

/** A layer whose metadata is written when the layers below are known. */
interface Applied {
  readonly writer: ErofsLayerWriter;
  /** Its content is on its way to the disk. */
  readonly synced: Promise<unknown>;
  /** The layers below, once it has been finished on them. */
  on?: string;
}

/**
 * Whole: a layer is one file, an EROFS image with all that is in it. Index: the image has the names, and what is in files is in the
 * uncompressed archive of the layer beside it. Whatever new layers become, those that are there are used as they are.
 */
export type ErofsForm = "whole" | "tar-index";

/** Every layer an EROFS image; writes go to a directory over them, which becomes an image by `commit`. */
export class ErofsDriver implements SnapshotDriver {
  readonly name = "erofs";
  readonly rebases = true;
  readonly #system: SystemCalls;
  readonly #limits: ProjectLimits;
  readonly #form: ErofsForm;
  /** By the directories of their snapshots. */
  readonly #applied = new Map<string, Applied>();
  /** Of the layers that something was prepared on last, by their directories: what is committed stays as it is. */
  readonly #roots = new Map<string, Attributes>();
  /** Of those that something was mounted on last. */
  readonly #images = new Map<string, SnapshotMount>();

  constructor(system: SystemCalls, limits: ProjectLimits, form: ErofsForm) {
    this.#system = system;
    this.#limits = limits;
    this.#form = form;
  }

  async checkLimit(): Promise<void> {
    await this.#limits.check();
  }

  async limit(directory: string, sizeMaxBytes: number): Promise<void> {
    // One for both, between which files are renamed.
    await this.#limits.begin(directory, [join(directory, UPPER), join(directory, WORK)]);
    await this.#limits.set(directory, sizeMaxBytes);
  }

  prepare({ directory, below }: SnapshotFiles, kind: SnapshotKind): void {
    if (kind === "view" && below.length > 0) return;
    makeUpper(join(directory, UPPER), below[0] === undefined ? undefined : this.#rootOf(below[0]));
    mkdirSync(join(directory, WORK), { mode: 0o711 });
  }

  mounts({ directory, below }: SnapshotFiles, kind: SnapshotKind): readonly SnapshotMount[] {
    const images = below.map((each) => this.#imageMount(each));
    const lower = [`{{ overlay 0 ${images.length - 1} }}`];
    if (kind === "view" && images.length > 0) {
      return images.length === 1 ? images : [...images, { ...overlayMount({ lower }), type: "format/overlay" }];
    }
    const [upper, work] = [join(directory, UPPER), join(directory, WORK)];
    checkWritable("mount", directory);
    if (images.length === 0) return [bindMount(upper, kind === "view")];
    return [...images, { ...overlayMount({ lower, writes: { upper, work } }), type: "format/overlay" }];
  }

  async apply(
    { directory, below }: { readonly directory: string; readonly below: readonly string[] | undefined },
    entries: LayerEntries,
  ): Promise<void> {
    const upper = join(directory, UPPER);
    if (!existsSync(upper) || readdirSync(upper).length > 0) {
      throw new OrlopError("conflict", `Cannot apply layer to snapshot in "${directory}": it holds something already`);
    }
    this.#limits.checkApply(directory);
    rmdirSync(upper);
    using layers = new DisposableStack();
    using cleanUp = new DisposableStack();
    const open = below?.map((each) => layers.use(openLayer(each)));
    const writer = cleanUp.use(await this.#write(directory, open));
    cleanUp.defer(() => writer.remove());
    await writer.add(entries);
    const synced = writer.sync();
    synced.catch(() => {});
    this.#applied.set(directory, { writer, synced });
    cleanUp.move();
  }

  entries({ directory }: SnapshotFiles): AsyncGenerator<LayerEntry> {
    checkWritable("compare", directory);
    const scratch = join(directory, `${SCRATCH}-${randomUUID()}`);
    return this.#upperEntries(directory, scratch);
  }

  async *#upperEntries(directory: string, scratch: string): AsyncGenerator<LayerEntry> {
    const { upperEntries } = await import("../directory/upper-entries.ts");
    yield* upperEntries(join(directory, UPPER), { system: this.#system, scratch });
  }

  open(below: readonly string[]): readonly ErofsLayer[] {
    using layers = new DisposableStack();
    const open = below.map((each) => layers.use(openLayer(each)));
    layers.move();
    return open;
  }

  async commit({ directory, below }: SnapshotFiles): Promise<Labels> {
    using layers = new DisposableStack();
    const open = below.map((each) => layers.use(openLayer(each)));
    if (existsSync(join(directory, UPPER))) await this.#convert(directory, open);
    else await this.#finish(directory, open, below.join("\n"));
    await Promise.all([directory, dirname(directory)].map(syncPath));
    return {};
  }

  async #finish(directory: string, below: readonly ErofsLayer[], on: string): Promise<void> {
    const applied = this.#applied.get(directory);
    if (applied === undefined) throw again(directory, "whoever applied its layer has not finished");
    if (applied.on !== undefined && applied.on !== on) throw again(directory, "it has been finished on another parent");
    if (applied.on === on) return;
    try {
      await applied.synced;
      applied.writer.finish(below);
      await applied.writer.sync();
      renameSync(join(directory, PARTIAL), join(directory, LAYER));
      applied.on = on;
    } catch (error) {
      this.forget(directory);
      throw error;
    }
  }

  /** What was written becomes an image; once more where that was interrupted. */
  async #convert(directory: string, below: readonly ErofsLayer[]): Promise<void> {
    const partial = join(directory, PARTIAL);
    for (const name of [PARTIAL, LAYER, ARCHIVE]) rmSync(join(directory, name), { force: true });
    using writer = await this.#write(directory, below);
    const scratch = join(directory, SCRATCH);
    rmSync(scratch, { force: true });
    await writer.add(this.#upperEntries(directory, scratch));
    writer.finish(below);
    await writer.sync();
    renameSync(partial, join(directory, LAYER));
  }

  async #write(directory: string, below: readonly ErofsLayer[] | undefined): Promise<ErofsLayerWriter> {
    // Loaded no sooner, as whatever else makes layers: most only put containers on them.
    const { ErofsLayerWriter } = await import("./erofs-layer-writer.ts");
    const archive = this.#form === "tar-index" ? join(directory, ARCHIVE) : undefined;
    return new ErofsLayerWriter(join(directory, PARTIAL), { below, durable: true, archive });
  }

  async tidy(directory: string): Promise<void> {
    await this.#limits.lift(directory);
    for (const name of readdirSync(directory)) {
      if (name !== LAYER && name !== ARCHIVE) await removeTree(join(directory, name));
    }
  }

  async usage({ directory }: SnapshotFiles): Promise<SnapshotUsage> {
    return await diskUsage([directory]);
  }

  async digest(directory: string, signal?: AbortSignal): Promise<string | undefined> {
    try {
      const archive = archiveOf(directory);
      const { fsverityDigest } = await import("./fsverity-digest.ts");
      const digest = await fsverityDigest(join(directory, LAYER), signal);
      return archive === undefined ? digest : `${digest} ${await fsverityDigest(archive, signal)}`;
    } catch (error) {
      if (["ENOENT", "EIO"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
      throw error;
    }
  }

  async remove(directory: string): Promise<void> {
    await this.#limits.lift(directory);
    await removeTree(directory);
  }

  forget(directory: string): void {
    this.#applied.get(directory)?.writer[Symbol.dispose]();
    this.#applied.delete(directory);
  }

  #rootOf(directory: string): Attributes {
    const known = this.#roots.get(directory);
    if (known !== undefined) return known;
    if (this.#roots.size >= LAYERS_MAX) this.#roots.clear();
    using layer = openLayer(directory);
    const { attributes } = layer.root;
    this.#roots.set(directory, attributes);
    return attributes;
  }

  #imageMount(directory: string): SnapshotMount {
    const known = this.#images.get(directory);
    if (known !== undefined) return known;
    if (this.#images.size >= LAYERS_MAX) this.#images.clear();
    const mount = imageMount(directory);
    this.#images.set(directory, mount);
    return mount;
  }

  async close(): Promise<void> {
    for (const directory of [...this.#applied.keys()]) this.forget(directory);
  }
}

function checkWritable(verb: string, directory: string): void {
  if (existsSync(join(directory, UPPER))) return;
  const what = "a layer has been applied\nTry to commit it.";
  throw new OrlopError("conflict", `Cannot ${verb} snapshot in "${directory}": ${what}`);
}

function again(directory: string, what: string): OrlopError {
  const way = "Try to remove it, and to apply the layer again.";
  return new OrlopError("conflict", `Cannot commit snapshot in "${directory}": ${what}\n${way}`);
}

function openLayer(directory: string): ErofsLayer {
  return new ErofsLayer(join(directory, LAYER), archiveOf(directory));
}

function imageMount(directory: string): SnapshotMount {
  const archive = archiveOf(directory);
  const options = archive === undefined ? ["ro"] : ["ro", `device=${archive}`];
  return { type: "erofs", source: join(directory, LAYER), options };
}

/** Undefined where the image of a layer is whole. */
function archiveOf(directory: string): string | undefined {
  const archive = join(directory, ARCHIVE);
  return existsSync(archive) ? archive : undefined;
}
