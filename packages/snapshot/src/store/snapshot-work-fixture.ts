import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type LayerEntry, OrlopError, type SnapshotMount } from "@orlop/core";
import { Database, readTar } from "@orlop/image";
import { systemFailure } from "@orlop/kernel";
import { makeTar } from "@orlop/testkit";
import { openDiskRoot } from "../disk/open-disk.ts";
import { LayeredFiles } from "../layer/layered-files.ts";
import { rootFilesystem } from "../mounts/root-filesystem.ts";
import { openSnapshotter } from "../open-snapshotter.ts";
import type { StoredSnapshotter } from "./stored-snapshotter.ts";

/** For `hookDiskCalls`: what snapshotters call besides. */
export const MORE_CALLS = {
  sync: ["symlinkSync", "chmodSync", "ftruncateSync", "copyFileSync", "writeFileSync"],
  async: ["writeFile", "rm", "copyFile"],
} as const;

/** Committed by the work, with the content of "file" in each. */
const COMMITTED = { lower: "lower", upper: "upper", written: "written" } as const;

/** Snapshots of one directory, as the tests of failures use them up. */
export class SnapshotWork implements AsyncDisposable {
  readonly snapshotter: StoredSnapshotter;
  readonly #database: Database;

  private constructor(snapshotter: StoredSnapshotter, database: Database) {
    this.snapshotter = snapshotter;
    this.#database = database;
  }

  static async open(root: string, name: string): Promise<SnapshotWork> {
    const database = new Database(join(root, "metadata.db"));
    return new SnapshotWork(await openSnapshotter(name, { directory: join(root, name), database }), database);
  }

  /** Applies two layers, writes to a snapshot on top of them, commits all and removes what is active. */
  async run(): Promise<void> {
    const { snapshotter } = this;
    await this.#missing("lower", async () => {
      await snapshotter.prepare("applied", undefined);
      await snapshotter.apply("applied", entries("lower"));
      await snapshotter.commit("lower", "applied");
    });
    await this.#missing("upper", async () => {
      await snapshotter.prepare("rebased", snapshotter.rebases ? undefined : "lower");
      await snapshotter.apply("rebased", entries("upper"));
      await snapshotter.commit("upper", "rebased", { parent: "lower" });
    });
    await this.#missing("written", async () => {
      const mounts = await snapshotter.prepare("run", "upper");
      await writeTo(mounts);
      await snapshotter.commit("written", "run");
    });
    await snapshotter.prepare("short", "written");
    await snapshotter.remove("short");
  }

  /** What is committed is whole. */
  async check(): Promise<void> {
    for (const { kind, key } of this.snapshotter.records()) {
      if (kind !== "committed") continue;
      const expected = COMMITTED[key as keyof typeof COMMITTED];
      const mounts = await this.snapshotter.view("look", key);
      const root = rootFilesystem(mounts);
      using disk = root.kind === "disk" ? await openDiskRoot(root) : undefined;
      assert.ok(root.kind === "overlay" || disk !== undefined);
      using files = new LayeredFiles(root.kind === "overlay" ? root.lower : [disk?.path ?? ""]);
      assert.equal(files.readFile("file", 100)?.toString(), expected);
      if (key !== "written") assert.equal(files.readFile(`large-${key}`, 1 << 20)?.length, 300_000);
      await this.snapshotter.remove("look");
    }
  }

  /** As whoever finds what a dead process has left. */
  async removeUnfinished(): Promise<void> {
    for (const { kind, key } of this.snapshotter.records())
      if (kind !== "committed") await this.snapshotter.remove(key);
    await this.snapshotter.cleanup();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.snapshotter.close();
    this.#database[Symbol.dispose]();
  }

  async #missing(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await this.snapshotter.stat(name);
    } catch (error) {
      if (!(error instanceof OrlopError) || error.code !== "not-found") throw error;
      await work();
    }
  }
}

async function writeTo(mounts: readonly SnapshotMount[]): Promise<void> {
  using upper = await writtenPlace(mounts);
  try {
    mkdirSync(join(upper.path, "d"));
    writeFileSync(join(upper.path, "file"), "written");
  } catch (error) {
    throw systemFailure("write to snapshot", error);
  }
}

/** Where what is written to an active snapshot goes. */
async function writtenPlace(mounts: readonly SnapshotMount[]): Promise<Disposable & { readonly path: string }> {
  const root = rootFilesystem(mounts);
  if (root.kind === "disk") return await openDiskRoot(root);
  const { source = "", options = [] } = mounts.at(-1) ?? {};
  const path = options.find((each) => each.startsWith("upperdir="))?.replace("upperdir=", "") ?? source;
  return { path, [Symbol.dispose]: () => {} };
}

function entries(name: string): AsyncIterable<LayerEntry> {
  async function* archive(): AsyncGenerator<Buffer> {
    yield makeTar([
      { path: "file", content: name },
      { path: `large-${name}`, content: Buffer.alloc(300_000, name) },
      { path: "link", type: "2", target: "file" },
      { path: ".wh.gone" },
    ]);
  }
  return readTar(archive());
}
