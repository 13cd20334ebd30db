import assert from "node:assert/strict";
import { layerEntries } from "./layer-entries.ts";
import { rejectsWith } from "./snapshot-bench.ts";
import type { SnapshotCase } from "./snapshot-case.ts";

export const lifeCycleCases: readonly SnapshotCase[] = [
  {
    title: "turns an active snapshot into a committed one, which the key is no name of any more",
    async check({ snapshotter }) {
      await snapshotter.prepare("work", undefined);
      assert.equal((await snapshotter.stat("work")).kind, "active");
      await snapshotter.commit("layer", "work");
      const { kind, key, parent } = await snapshotter.stat("layer");
      assert.deepEqual({ kind, key, parent }, { kind: "committed", key: "layer", parent: undefined });
      await rejectsWith("not-found", snapshotter.stat("work"));
    },
  },
  {
    title: "keeps what is below a snapshot as its parent",
    async check({ snapshotter }) {
      await snapshotter.prepare("a", undefined);
      await snapshotter.commit("lowest", "a");
      await snapshotter.prepare("b", "lowest");
      await snapshotter.commit("upper", "b");
      await snapshotter.view("look", "upper");
      assert.equal((await snapshotter.stat("upper")).parent, "lowest");
      const { kind, parent } = await snapshotter.stat("look");
      assert.deepEqual({ kind, parent }, { kind: "view", parent: "upper" });
    },
  },
  {
    title: "has one set of names and keys, each of which is taken once",
    async check({ snapshotter }) {
      await snapshotter.prepare("a", undefined);
      await rejectsWith("exists", snapshotter.prepare("a", undefined));
      await rejectsWith("exists", snapshotter.view("a", undefined));
      await snapshotter.commit("layer", "a");
      await rejectsWith("exists", snapshotter.prepare("layer", undefined));
      await snapshotter.prepare("b", undefined);
      await rejectsWith("exists", snapshotter.commit("layer", "b"));
      await snapshotter.commit("free", "b");
      await snapshotter.prepare("a", "layer");
    },
  },
  {
    title: "takes only what is committed as a parent",
    async check({ snapshotter }) {
      await snapshotter.prepare("a", undefined);
      for (const make of ["prepare", "view"] as const) {
        await rejectsWith("invalid", snapshotter[make]("b", "a"));
        await rejectsWith("not-found", snapshotter[make]("b", "nothing"));
      }
      await rejectsWith("not-found", snapshotter.stat("b"));
    },
  },
  {
    title: "removes what nothing is on top of, and nothing else",
    async check({ snapshotter }) {
      await snapshotter.prepare("a", undefined);
      await snapshotter.commit("lower", "a");
      await snapshotter.view("v", "lower");
      await rejectsWith("conflict", snapshotter.remove("lower"));
      await snapshotter.remove("v");
      await snapshotter.prepare("b", "lower");
      await rejectsWith("conflict", snapshotter.remove("lower"));
      await snapshotter.remove("b");
      await snapshotter.remove("lower");
      for (const key of ["a", "b", "v", "lower"]) await rejectsWith("not-found", snapshotter.remove(key));
    },
  },
  {
    title: "commits nothing but what is active",
    async check({ snapshotter }) {
      await snapshotter.prepare("a", undefined);
      await snapshotter.commit("layer", "a");
      await snapshotter.view("v", "layer");
      await rejectsWith("conflict", snapshotter.commit("other", "v"));
      await rejectsWith("conflict", snapshotter.commit("other", "layer"));
      await rejectsWith("not-found", snapshotter.commit("other", "a"));
    },
  },
  {
    title: "gives the mounts of an active snapshot and of a view again, and none of a committed one",
    async check({ snapshotter }) {
      const first = await snapshotter.prepare("a", undefined);
      assert.ok(first.length > 0);
      assert.deepEqual(await snapshotter.mounts("a"), first);
      await snapshotter.commit("layer", "a");
      await rejectsWith("conflict", snapshotter.mounts("layer"));
      await rejectsWith("not-found", snapshotter.mounts("a"));
      const view = await snapshotter.view("v", "layer");
      assert.deepEqual(await snapshotter.mounts("v"), view);
      const second = await snapshotter.prepare("b", "layer");
      assert.deepEqual(await snapshotter.mounts("b"), second);
      assert.notDeepEqual(first, second);
    },
  },
  {
    title: "keeps labels, changes them one by one, and has the ones of its commit on a committed snapshot",
    async check({ snapshotter }) {
      await snapshotter.prepare("a", undefined, { labels: { x: "1", y: "2" } });
      assert.deepEqual((await snapshotter.stat("a")).labels, { x: "1", y: "2" });
      const updated = await snapshotter.update("a", { x: undefined, z: "3" });
      assert.deepEqual(updated.labels, { y: "2", z: "3" });
      assert.ok(updated.updatedAtMs >= updated.createdAtMs);
      await snapshotter.commit("layer", "a", { labels: { w: "4" } });
      assert.deepEqual((await snapshotter.stat("layer")).labels, { w: "4" });
      await rejectsWith("not-found", snapshotter.update("a", { x: "1" }));
    },
  },
  {
    title: "walks over all of them, each once, as stat has them",
    async check({ snapshotter }) {
      await snapshotter.prepare("a", undefined);
      await snapshotter.commit("layer", "a", { labels: { x: "1" } });
      await snapshotter.prepare("b", "layer");
      await snapshotter.view("c", "layer");
      const found = await Array.fromAsync(snapshotter.walk());
      assert.deepEqual(found.map(({ key }) => key).sort(), ["b", "c", "layer"]);
      for (const info of found) assert.deepEqual(await snapshotter.stat(info.key), info);
    },
  },
  {
    title: "counts what is on the disk for a snapshot, without what is below it",
    async check({ snapshotter, copies }) {
      await snapshotter.prepare("a", undefined);
      await snapshotter.apply("a", layerEntries([{ path: "f", text: "x".repeat(300_000) }]));
      await snapshotter.commit("large", "a");
      await snapshotter.prepare("b", "large");
      const [large, above] = [await snapshotter.usage("large"), await snapshotter.usage("b")];
      assert.ok(large.sizeBytes >= 300_000 && large.inodes > 0, JSON.stringify(large));
      assert.equal(above.sizeBytes < 300_000, !copies, JSON.stringify(above));
      await rejectsWith("not-found", snapshotter.usage("a"));
    },
  },
  {
    title: "limits what is written to a snapshot, or refuses to",
    async check({ snapshotter }) {
      const refused = await snapshotter.prepare("a", undefined, { sizeMaxBytes: 1 << 20 }).then(
        () => undefined,
        (error) => error,
      );
      if (refused === undefined) return;
      assert.equal(refused.code, "unsupported");
      await rejectsWith("not-found", snapshotter.stat("a"));
    },
  },
];
