import assert from "node:assert/strict";
import type { LayerEntry } from "@orlop/core";
import { describeTree } from "./describe-tree.ts";
import { layerEntries, type SuiteEntry } from "./layer-entries.ts";
import { rejectsWith, type SnapshotBench } from "./snapshot-bench.ts";
import type { SnapshotCase } from "./snapshot-case.ts";

const lowest: readonly SuiteEntry[] = [
  { path: "usr/" },
  { path: "usr/lib/", mode: 0o750 },
  { path: "usr/lib/a", text: "a" },
  { path: "lib", kind: "symlink", target: "usr/lib" },
  { path: "d/", mode: 0o711 },
  { path: "d/old", text: "old" },
  { path: "gone", text: "gone" },
  { path: "f", text: "lower f" },
];

/** Applied without a parent, which only `commit` names. */
async function rebased(
  bench: SnapshotBench,
  name: string,
  parent: string,
  entries: readonly SuiteEntry[],
): Promise<void> {
  const key = bench.key();
  await bench.snapshotter.prepare(key, undefined);
  await bench.snapshotter.apply(key, layerEntries(entries));
  await bench.snapshotter.commit(name, key, { parent });
}

async function* failing(error: Error): AsyncGenerator<LayerEntry> {
  yield* layerEntries([{ path: "a", text: "a" }]);
  throw error;
}

export const applyCases: readonly SnapshotCase[] = [
  {
    title: "has what a layer says, of files of every kind",
    mounts: true,
    async check(bench) {
      await bench.layer("l", undefined, [
        { path: "d/", mode: 0o1777 },
        { path: "d/f", text: "text", mode: 0o4711 },
        { path: "d/same", kind: "hard-link", target: "d/f" },
        { path: "d/link", kind: "symlink", target: "../nowhere" },
        { path: "pipe", kind: "fifo", mode: 0o622 },
        { path: "with space ü", text: "u" },
        { path: "empty" },
        { path: "not/described/x", text: "x" },
        { path: "twice", text: "first" },
        { path: "twice", text: "second" },
      ]);
      assert.deepEqual(await bench.look("l", describeTree), [
        "d/ 1777",
        "d/f 4711 text",
        "d/link -> ../nowhere",
        "d/same 4711 text",
        "empty 644 ",
        "not/ 755",
        "not/described/ 755",
        "not/described/x 644 x",
        "pipe 622 (1 0)",
        "twice 644 second",
        "with space ü 644 u",
      ]);
    },
  },
  {
    title: "hides what a layer above says, and replaces what it has itself",
    mounts: true,
    async check(bench) {
      await bench.layer("lower", undefined, lowest);
      await bench.layer("upper", "lower", [
        { path: ".wh.gone" },
        { path: "d/.wh..wh..opq" },
        { path: "d/new", text: "new" },
        { path: "f/" },
        { path: "f/now-a-directory", text: "x" },
        { path: "usr/lib", text: "now a file" },
        { path: ".wh.never-there" },
      ]);
      assert.deepEqual(await bench.look("upper", describeTree), [
        "d/ 711",
        "d/new 644 new",
        "f/ 755",
        "f/now-a-directory 644 x",
        "lib -> usr/lib",
        "usr/ 755",
        "usr/lib 644 now a file",
      ]);
      assert.ok((await bench.look("lower", describeTree)).includes("gone 644 gone"));
    },
  },
  {
    title: "keeps what a layer has beside its own whiteouts, in whatever order",
    mounts: true,
    async check(bench) {
      await bench.layer("lower", undefined, lowest);
      await bench.layer("upper", "lower", [
        { path: "f", text: "upper f" },
        { path: ".wh.f" },
        { path: "d/new", text: "new" },
        { path: "d/.wh..wh..opq" },
        { path: ".wh.usr" },
        { path: "usr/other", text: "other" },
      ]);
      const found = await bench.look("upper", describeTree);
      assert.deepEqual(
        found.filter((line) => /^(?:d|f|usr)\b/.test(line)),
        ["d/ 711", "d/new 644 new", "f 644 upper f", "usr/ 755", "usr/other 644 other"],
      );
    },
  },
  {
    title: "takes absolute paths as its own, and removes directories that nobody may enter",
    async check(bench) {
      await bench.layer("l", undefined, [
        { path: "/etc/x", text: "x" },
        { path: "a/b/", mode: 0 },
        { path: "a/b/c", text: "c" },
        { path: "a/", mode: 0 },
      ]);
      await bench.snapshotter.remove("l");
      await rejectsWith("not-found", bench.snapshotter.stat("l"));
      await bench.snapshotter.cleanup();
    },
  },
  {
    title: "goes through links and shares files of the layers below",
    mounts: true,
    async check(bench) {
      await bench.layer("lower", undefined, lowest);
      await bench.layer("upper", "lower", [
        { path: "lib/b", text: "b" },
        { path: "linked", kind: "hard-link", target: "lib/a" },
      ]);
      const found = await bench.look("upper", describeTree);
      const expected = ["linked 644 a", "usr/lib/ 750", "usr/lib/a 644 a", "usr/lib/b 644 b", "lib -> usr/lib"];
      for (const line of expected) assert.ok(found.includes(line), `${line} in\n${found.join("\n")}`);
    },
  },
  {
    title: "puts layers that were applied side by side on top of each other, or refuses to",
    mounts: true,
    async check(bench) {
      const { snapshotter } = bench;
      await bench.layer("lower", undefined, lowest);
      const upper: readonly SuiteEntry[] = [
        { path: "usr/lib/added", text: "added" },
        { path: ".wh.gone" },
        { path: "d/.wh.old" },
        { path: "f", text: "upper f" },
      ];
      if (!snapshotter.rebases) {
        await rejectsWith("unsupported", rebased(bench, "rebased", "lower", upper));
        return;
      }
      await rebased(bench, "rebased", "lower", upper);
      await bench.layer("ordinary", "lower", upper);
      assert.equal((await snapshotter.stat("rebased")).parent, "lower");
      assert.deepEqual(await bench.look("rebased", describeTree), await bench.look("ordinary", describeTree));
      await bench.layer("third", "rebased", [{ path: "usr/lib/more", text: "more" }]);
      const third = await bench.look("third", describeTree);
      assert.ok(third.includes("usr/lib/more 644 more") && third.includes("usr/lib/ 750"), third.join("\n"));
    },
  },
  {
    title: "settles what a layer has through links of those below when it is committed, or says that it cannot",
    mounts: true,
    async check(bench) {
      if (!bench.snapshotter.rebases) return;
      await bench.layer("lower", undefined, lowest);
      for (const entries of [
        [{ path: "lib/b", text: "b" }],
        [{ path: "l", kind: "hard-link", target: "f" } as const],
      ]) {
        const [made, expected] = [bench.key(), bench.key()];
        await bench.layer(expected, "lower", entries);
        const error = await rebased(bench, made, "lower", entries).then(
          () => undefined,
          (cause) => cause,
        );
        if (error === undefined) {
          assert.deepEqual(await bench.look(made, describeTree), await bench.look(expected, describeTree));
        } else assert.equal(error.code, "unsupported");
      }
    },
  },
  {
    title: "has no other parent than the one it was prepared on",
    async check(bench) {
      const { snapshotter } = bench;
      await bench.layer("one", undefined, [{ path: "1" }]);
      await bench.layer("two", undefined, [{ path: "2" }]);
      await snapshotter.prepare("a", "one");
      await rejectsWith("conflict", snapshotter.commit("three", "a", { parent: "two" }));
      await snapshotter.commit("three", "a", { parent: "one" });
      assert.equal((await snapshotter.stat("three")).parent, "one");
    },
  },
  {
    title: "fails with the error that its entries end in, and can be removed then",
    async check({ snapshotter }) {
      await snapshotter.prepare("a", undefined);
      const error = new Error("the digest is wrong");
      await assert.rejects(snapshotter.apply("a", failing(error)), error);
      await snapshotter.remove("a");
      await rejectsWith("not-found", snapshotter.stat("a"));
    },
  },
  {
    title: "refuses entries that leave the layer, and what is no target of a link",
    async check({ snapshotter }) {
      const cases: readonly (readonly SuiteEntry[])[] = [
        [{ path: "../x" }],
        [{ path: "a/../../x" }],
        [{ path: "f" }, { path: "f/x" }],
        [{ path: "d/" }, { path: "l", kind: "hard-link", target: "d" }],
        [{ path: "l", kind: "hard-link", target: "../../etc/passwd" }],
        [{ path: ".wh..." }],
      ];
      for (const [index, entries] of cases.entries()) {
        await snapshotter.prepare(`${index}`, undefined);
        await rejectsWith("invalid", snapshotter.apply(`${index}`, layerEntries(entries)));
        await snapshotter.remove(`${index}`);
      }
    },
  },
  {
    title: "takes one layer, into an active snapshot",
    async check(bench) {
      const { snapshotter } = bench;
      await bench.layer("l", undefined, [{ path: "a", text: "a" }]);
      await snapshotter.view("v", "l");
      await rejectsWith("conflict", snapshotter.apply("v", layerEntries([])));
      await rejectsWith("conflict", snapshotter.apply("l", layerEntries([])));
      await rejectsWith("not-found", snapshotter.apply("none", layerEntries([])));
      await snapshotter.prepare("a", undefined);
      await snapshotter.apply("a", layerEntries([{ path: "x" }]));
      await rejectsWith("conflict", snapshotter.apply("a", layerEntries([{ path: "y" }])));
      await snapshotter.commit("m", "a");
    },
  },
];
