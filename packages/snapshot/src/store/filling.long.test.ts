import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { LayerEntry } from "@orlop/core";
import { Database, readTar } from "@orlop/image";
import { ownProcessMark } from "@orlop/kernel";
import { makeTar, withTemporaryDirectory } from "@orlop/testkit";
import { openSnapshotter } from "../open-snapshotter.ts";
import type { StoredSnapshotter } from "./stored-snapshotter.ts";

async function withNative(
  check: (snapshotter: StoredSnapshotter, directory: string, database: Database) => Promise<void>,
): Promise<void> {
  await withTemporaryDirectory(async (root) => {
    using database = new Database(join(root, "metadata.db"));
    const directory = join(root, "native");
    const snapshotter = await openSnapshotter("native", { directory, database });
    await snapshotter.prepare("key", undefined);
    await snapshotter.apply("key", layer());
    await snapshotter.commit("layer", "key");
    await check(snapshotter, directory, database);
    await snapshotter.close();
  });
}

function layer(): AsyncIterable<LayerEntry> {
  async function* archive(): AsyncGenerator<Buffer> {
    yield makeTar(Array.from({ length: 600 }, (_, index) => ({ path: `d/${index}`, content: "x" })));
  }
  return readTar(archive());
}

test("a snapshot is not there before it is filled, and holds nobody up meanwhile", () =>
  withNative(async (snapshotter, directory) => {
    const made = snapshotter.prepare("filled", "layer");
    assert.ok(readdirSync(directory).some((name) => name.startsWith("filling-")));
    await assert.rejects(snapshotter.stat("filled"), { code: "not-found" });
    await snapshotter.update("layer", { label: "changed" });
    await made;
    assert.equal((await snapshotter.stat("filled")).kind, "active");
    assert.equal(readdirSync(directory).length, 2);
  }));

test("a parent that is removed meanwhile leaves nothing of what was to be on top of it", () =>
  withNative(async (snapshotter, directory) => {
    const made = snapshotter.prepare("filled", "layer");
    const refused = assert.rejects(made, { code: /^(?:not-found|conflict)$/ });
    await snapshotter.remove("layer");
    await refused;
    assert.deepEqual(readdirSync(directory), []);
  }));

test("a parent of the same name is not the one that was copied", () =>
  withNative(async (snapshotter, _directory, database) => {
    const made = snapshotter.prepare("filled", "layer");
    const refused = assert.rejects(made, { code: /^(?:not-found|conflict)$/ });
    database.transaction(() => snapshotter.forget("layer"));
    await snapshotter.prepare("other", undefined);
    await snapshotter.commit("layer", "other");
    await refused;
  }));

test("what processes that are gone have begun to fill is removed, and of those that live it is not", () =>
  withNative(async (snapshotter, directory) => {
    const gone = ownProcessMark().replace(/\d+$/, "1");
    for (const mark of [gone, ownProcessMark()])
      mkdirSync(join(directory, `filling-${mark}-0/fs`), { recursive: true });
    await snapshotter.cleanup();
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.startsWith("filling-")),
      [`filling-${ownProcessMark()}-0`],
    );
  }));
