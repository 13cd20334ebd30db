import assert from "node:assert/strict";
import { chmodSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { type LayerEntry, OrlopError } from "@orlop/core";
import { SnapshotBench } from "@orlop/testkit";
import type { SnapshotChange } from "../layer/layer-changes.ts";
import { fileSystemObstacle, makerOf, rootObstacle } from "../snapshotter-fixture.ts";
import type { StoredSnapshotter } from "./stored-snapshotter.ts";

const lowest = [
  "a/",
  "a/gone",
  "a/kept",
  "emptied/",
  "emptied/1",
  "emptied/2/",
  "emptied/2/x",
  "file",
  "gone/",
  "gone/x",
];

function change(root: string): void {
  rmSync(join(root, "a/gone"));
  rmSync(join(root, "gone"), { recursive: true });
  rmSync(join(root, "emptied"), { recursive: true });
  mkdirSync(join(root, "emptied"));
  writeFileSync(join(root, "emptied/1"), "new");
  writeFileSync(join(root, "a/new"), "new");
  linkSync(join(root, "a/new"), join(root, "a-link"));
  symlinkSync("file", join(root, "to-file"));
  chmodSync(join(root, "file"), 0o600);
}

function describe({ kind, path, target, size }: LayerEntry): string {
  return kind === "file" ? `${path} ${size}` : `${kind} ${path}${target === "" ? "" : ` -> ${target}`}`;
}

async function changesOf(snapshotter: StoredSnapshotter, key: string): Promise<readonly SnapshotChange[]> {
  using changes = await snapshotter.changes(key);
  return await changes.list();
}

for (const name of ["erofs", "overlay", "native"]) {
  suite(`what was written to a snapshot of ${name}`, () => {
    const onBench = (
      title: string,
      check: (bench: SnapshotBench, snapshotter: StoredSnapshotter) => Promise<void>,
    ): Promise<void> =>
      test(title, async (t) => {
        const reason = name === "native" ? rootObstacle() : fileSystemObstacle(name);
        if (reason !== undefined) return t.skip(reason);
        await using bench = await SnapshotBench.open(makerOf(name), "/run");
        await check(bench, bench.snapshotter as StoredSnapshotter);
      });

    onBench("is a layer, and changes of the layers below", async (bench, snapshotter) => {
      await bench.layer(
        "lowest",
        undefined,
        lowest.map((path) => ({ path })),
      );
      await bench.layer("lower", "lowest", [{ path: "emptied/.wh.2" }, { path: "emptied/3" }]);
      bench.within(await snapshotter.prepare("run", "lower"), change);
      assert.deepEqual(await changesOf(snapshotter, "run"), [
        { kind: "changed", path: "a" },
        { kind: "added", path: "a-link" },
        { kind: "deleted", path: "a/gone" },
        { kind: "added", path: "a/new" },
        { kind: "changed", path: "emptied" },
        { kind: "changed", path: "emptied/1" },
        { kind: "deleted", path: "emptied/3" },
        { kind: "changed", path: "file" },
        { kind: "deleted", path: "gone" },
        { kind: "added", path: "to-file" },
      ]);
      using changes = await snapshotter.changes("run");
      const entries = await Array.fromAsync(changes.entries(), describe);
      // Who compares does not see that the directory is another one.
      const emptied =
        name === "native" ? ["emptied/1 3", "emptied/.wh.3 0"] : ["emptied/.wh..wh..opq 0", "emptied/1 3"];
      assert.deepEqual(entries, [
        "directory a",
        "a/.wh.gone 0",
        "a/new 3",
        "hard-link a-link -> a/new",
        "directory emptied",
        ...emptied,
        "file 0",
        ".wh.gone 0",
        "symlink to-file -> file",
      ]);
    });

    onBench("is all there is where there is no parent", async (bench, snapshotter) => {
      bench.within(await snapshotter.prepare("run", undefined), (root) => mkdirSync(join(root, "d")));
      assert.deepEqual(await changesOf(snapshotter, "run"), [{ kind: "added", path: "d" }]);
    });

    onBench("leaves out what was made to mount something there, and nothing else", async (bench, snapshotter) => {
      await bench.layer("l", undefined, [{ path: "a/x" }, { path: "c/x" }]);
      bench.within(await snapshotter.prepare("run", "l"), (root) => {
        for (const path of ["proc", "dev", "b/d/e", "c/d", "used"]) mkdirSync(join(root, path), { recursive: true });
        for (const path of ["a/hosts", "c/hosts", "c/own", "b/own"]) writeFileSync(join(root, path), "");
        writeFileSync(join(root, "used/file"), "");
      });
      const mountPoints = ["/proc", "/dev", "/b/d/e", "/a/hosts", "/c/hosts", "/c/d/", "/used", "/none", "/c/x", "/"];
      using changes = await snapshotter.changes("run", { mountPoints });
      const listed = (await changes.list()).map(({ kind, path }) => `${kind} ${path}`);
      assert.deepEqual(listed, ["added b", "added b/own", "changed c", "added c/own", "added used", "added used/file"]);
    });

    onBench("is asked of active snapshots alone", async (bench, snapshotter) => {
      await bench.layer("l", undefined, []);
      await snapshotter.view("v", "l");
      for (const key of ["l", "v"]) await assert.rejects(changesOf(snapshotter, key), { code: "conflict" });
      await assert.rejects(changesOf(snapshotter, "none"), { code: "not-found" });
      await snapshotter.prepare("applied", undefined);
      await snapshotter.apply("applied", (async function* () {})());
      await assert.rejects(changesOf(snapshotter, "applied"), OrlopError);
    });
  });
}
