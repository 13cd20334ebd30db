import assert from "node:assert/strict";
import { describeTree } from "./describe-tree.ts";
import { layerEntries } from "./layer-entries.ts";
import { rejectsWith } from "./snapshot-bench.ts";
import type { SnapshotCase } from "./snapshot-case.ts";

export const sharingCases: readonly SnapshotCase[] = [
  {
    title: "shows other processes what is there",
    async check(bench) {
      const other = await bench.another();
      await bench.layer("l", undefined, [{ path: "a", text: "a" }]);
      assert.equal((await other.stat("l")).kind, "committed");
      await other.prepare("theirs", "l");
      await rejectsWith("conflict", bench.snapshotter.remove("l"));
      await bench.snapshotter.remove("theirs");
      await rejectsWith("not-found", other.mounts("theirs"));
    },
  },
  {
    title: "gives a name to one of those who want it at once",
    async check(bench) {
      const both = [bench.snapshotter, await bench.another()];
      const results = await Promise.allSettled(
        both.flatMap((each) => [each.prepare("a", undefined), each.prepare("a", undefined)]),
      );
      assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
      for (const [index, each] of both.entries()) {
        await each.prepare(`k${index}`, undefined);
        await each.apply(`k${index}`, layerEntries([{ path: `${index}`, text: "x" }]));
      }
      const commits = await Promise.allSettled(both.map((each, index) => each.commit("l", `k${index}`)));
      assert.equal(commits.filter(({ status }) => status === "fulfilled").length, 1);
    },
  },
  {
    title: "lets another process commit a layer that was applied here as a whole, or not at all",
    mounts: true,
    async check(bench) {
      const other = await bench.another();
      await bench.snapshotter.prepare("a", undefined);
      await bench.snapshotter.apply("a", layerEntries([{ path: "a", text: "a" }]));
      const refused = await other.commit("l", "a").then(
        () => undefined,
        (error) => error,
      );
      if (refused !== undefined) {
        assert.equal(refused.code, "conflict");
        await bench.snapshotter.commit("l", "a");
      }
      assert.deepEqual(await bench.look("l", describeTree), ["a 644 a"]);
    },
  },
  {
    title: "applies many layers at once",
    mounts: true,
    async check(bench) {
      const names = Array.from({ length: 12 }, (_, index) => `l${index}`);
      await Promise.all(names.map((name) => bench.layer(name, undefined, [{ path: name, text: name.repeat(50_000) }])));
      for (const name of names) {
        assert.deepEqual(await bench.look(name, describeTree), [`${name} 644 ${name.repeat(50_000)}`]);
      }
    },
  },
  {
    title: "cleans up without touching what is there",
    mounts: true,
    async check(bench) {
      const { snapshotter } = bench;
      await bench.layer("l", undefined, [{ path: "a", text: "a" }]);
      const mounts = await snapshotter.prepare("active", "l");
      await snapshotter.prepare("applied", undefined);
      await snapshotter.apply("applied", layerEntries([{ path: "b", text: "b" }]));
      const before = await Array.fromAsync(snapshotter.walk());
      await (await bench.another()).cleanup();
      await snapshotter.cleanup();
      assert.deepEqual(await Array.fromAsync(snapshotter.walk()), before);
      await snapshotter.commit("m", "applied");
      assert.deepEqual(bench.within(mounts, describeTree), ["a 644 a"]);
      assert.deepEqual(await bench.look("m", describeTree), ["b 644 b"]);
    },
  },
];
