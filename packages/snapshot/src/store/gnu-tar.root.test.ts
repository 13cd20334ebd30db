import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { suite, test } from "node:test";
import { readTar, writeTar } from "@orlop/image";
import { SnapshotBench, temporaryDirectory } from "@orlop/testkit";
import { snapshotterName } from "../open-snapshotter.ts";
import { fileSystemObstacle, makerOf } from "../snapshotter-fixture.ts";
import { describeFiles, MAKE_TREE, xattrObstacle } from "../tree-fixture.ts";
import type { StoredSnapshotter } from "./stored-snapshotter.ts";

/** In memory, where there are attributes of every kind. */
const PARENT = "/run";
const WITH_ALL = ["--xattrs", "--xattrs-include=*", "--acls", "--numeric-owner"];

/** Bytes of the layer that the upper of a snapshot is. */
async function layerOf(snapshotter: StoredSnapshotter, key: string): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(writeTar(snapshotter.upperEntries(key))));
}

const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

for (const name of ["erofs", "erofs:tar-index", "overlay"]) {
  suite(`layers of ${name} and archives of GNU tar`, () => {
    const onBench = (title: string, check: (bench: SnapshotBench, directory: string) => Promise<void>): void => {
      test(title, async (t) => {
        const reason = fileSystemObstacle(snapshotterName(name)) ?? xattrObstacle();
        if (reason !== undefined) return t.skip(reason);
        using directory = temporaryDirectory("orlop-gnu-tar-", PARENT);
        await using bench = await SnapshotBench.open(makerOf(name), PARENT);
        await check(bench, directory.path);
      });
    };

    onBench("have the same in them, of files of every kind", async (bench, directory) => {
      const [tree, archive] = [join(directory, "tree"), join(directory, "archive.tar")];
      mkdirSync(tree);
      execFileSync("sh", ["-ec", MAKE_TREE], { cwd: tree });
      execFileSync("tar", ["--format=pax", ...WITH_ALL, "-C", tree, "-cf", archive, "."]);
      await bench.snapshotter.prepare("key", undefined);
      await bench.snapshotter.apply("key", readTar(createReadStream(archive)));
      await bench.snapshotter.commit("layer", "key");
      assert.equal(await bench.look("layer", describeFiles), describeFiles(tree));
    });

    onBench("are made from what was written, byte for byte the same each time", async (bench, directory) => {
      const snapshotter = bench.snapshotter as StoredSnapshotter;
      await bench.layer("lower", undefined, [{ path: "gone" }, { path: "kept" }]);
      const mounts = await snapshotter.prepare("run", "lower");
      const script = `rm gone\n${MAKE_TREE}`;
      bench.within(mounts, (root) => execFileSync("sh", ["-ec", script], { cwd: root }));
      const layer = await layerOf(snapshotter, "run");
      assert.equal(digest(await layerOf(snapshotter, "run")), digest(layer));
      await snapshotter.prepare("again", "lower");
      await snapshotter.apply("again", readTar(Readable.from([layer])));
      await snapshotter.commit("applied", "again");
      const written = bench.within(mounts, describeFiles);
      assert.equal(await bench.look("applied", describeFiles), written);
      await snapshotter.commit("committed", "run");
      assert.equal(await bench.look("committed", describeFiles), written);
      const archive = join(directory, "layer.tar");
      const tree = join(directory, "tree");
      mkdirSync(tree);
      await pipeline(Readable.from([layer]), createWriteStream(archive));
      execFileSync("tar", [...WITH_ALL, "--exclude=.wh.*", "-xpf", archive, "-C", tree]);
      // Only below is "kept", and of both layers the root; tar has another form for access control lists.
      const own = (text: string): readonly string[] =>
        text.split("\n").filter((line) => !/^ d |^kept |\/kept$|posix_acl|size-2000$|^$/.test(line));
      assert.deepEqual(own(describeFiles(tree)), own(written));
    });
  });
}
