import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { OrlopError, type SnapshotMount, type Snapshotter } from "@orlop/core";
import { temporaryDirectory } from "../temporary-directory.ts";
import { layerEntries, type SuiteEntry } from "./layer-entries.ts";
import { mounted } from "./mounted.ts";
import type { MakeSnapshotter } from "./snapshotter-subject.ts";

interface BenchParts {
  readonly make: MakeSnapshotter;
  readonly stack: AsyncDisposableStack;
  readonly directory: string;
  readonly snapshotter: Snapshotter;
  readonly copies: boolean;
}

/** What one test of the suite works with. */
export class SnapshotBench implements AsyncDisposable {
  readonly snapshotter: Snapshotter;
  /** Each snapshot takes as much on the disk as all that is below it. */
  readonly copies: boolean;
  readonly #make: MakeSnapshotter;
  readonly #stack: AsyncDisposableStack;
  readonly #directory: string;
  #names = 0;

  private constructor({ make, stack, directory, snapshotter, copies }: BenchParts) {
    this.#make = make;
    this.#stack = stack;
    this.#directory = directory;
    this.snapshotter = snapshotter;
    this.copies = copies;
  }

  static async open(
    make: MakeSnapshotter,
    parent: string | undefined,
    { copies = false }: { readonly copies?: boolean } = {},
  ): Promise<SnapshotBench> {
    await using stack = new AsyncDisposableStack();
    const { path } = stack.use(temporaryDirectory("orlop-snapshots-", parent));
    mkdirSync(join(path, "state"));
    const { snapshotter } = stack.use(await make(join(path, "state")));
    return new SnapshotBench({ make, stack: stack.move(), directory: path, snapshotter, copies });
  }

  /** The same snapshots, as another process sees them. */
  async another(): Promise<Snapshotter> {
    return this.#stack.use(await this.#make(join(this.#directory, "state"))).snapshotter;
  }

  /** A committed snapshot with these entries. */
  async layer(name: string, parent: string | undefined, entries: readonly SuiteEntry[]): Promise<string> {
    const key = this.key();
    await this.snapshotter.prepare(key, parent);
    await this.snapshotter.apply(key, layerEntries(entries));
    await this.snapshotter.commit(name, key);
    return name;
  }

  /** A committed snapshot of what `write` writes to the mounted one. */
  async written(name: string, parent: string | undefined, write: (root: string) => void): Promise<string> {
    const key = this.key();
    this.within(await this.snapshotter.prepare(key, parent), write);
    await this.snapshotter.commit(name, key);
    return name;
  }

  /** Looks into a committed snapshot. */
  async look<T>(name: string, work: (root: string) => T): Promise<T> {
    const key = this.key();
    const mounts = await this.snapshotter.view(key, name);
    const found = this.within(mounts, work);
    await this.snapshotter.remove(key);
    return found;
  }

  within<T>(mounts: readonly SnapshotMount[], work: (root: string) => T): T {
    using place = mounted(mounts, join(this.#directory, `mounted-${this.#names++}`));
    return work(place.path);
  }

  key(): string {
    return `key-${this.#names++}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

export async function rejectsWith(code: OrlopError["code"], work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof OrlopError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}
