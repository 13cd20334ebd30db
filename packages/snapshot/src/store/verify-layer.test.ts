import assert from "node:assert/strict";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readTar } from "@orlop/image";
import { makeTar, withTemporaryDirectory } from "@orlop/testkit";
import { snapshotterName } from "../open-snapshotter.ts";
import { makerOf } from "../snapshotter-fixture.ts";
import type { StoredSnapshotter } from "./stored-snapshotter.ts";

/** With a committed snapshot "layer". */
function withLayer(
  name: string,
  check: (snapshotter: StoredSnapshotter, directory: string) => Promise<void>,
): Promise<void> {
  return withTemporaryDirectory(async (directory) => {
    await using made = await makerOf(name)(directory);
    const snapshotter = made.snapshotter as StoredSnapshotter;
    async function* archive(): AsyncGenerator<Buffer> {
      yield makeTar([{ path: "file", content: Buffer.alloc(300_000, "x") }]);
    }
    await snapshotter.prepare("key", undefined);
    await snapshotter.apply("key", readTar(archive()));
    await snapshotter.commit("layer", "key", { labels: { other: "label" } });
    await check(snapshotter, join(directory, snapshotterName(name), "1"));
  });
}

test("a layer is noted when it is verified first, and sound from then on", () =>
  withLayer("erofs", async (snapshotter) => {
    assert.equal(await snapshotter.verify("layer"), "noted");
    assert.equal(await snapshotter.verify("layer"), "sound");
    const { labels } = await snapshotter.stat("layer");
    assert.match(labels["orlop.io/fsverity"] ?? "", /^sha256:[0-9a-f]{64}$/);
    assert.equal(labels.other, "label");
  }));

test("one byte that is another is damage, and so is a file that is not there", () =>
  withLayer("erofs", async (snapshotter, directory) => {
    await snapshotter.verify("layer");
    const path = join(directory, "layer.erofs");
    const file = openSync(path, "r+");
    writeSync(file, "y", 100_000);
    closeSync(file);
    assert.equal(await snapshotter.verify("layer"), "damaged");
    assert.equal(await snapshotter.verify("layer"), "damaged");
    rmSync(path);
    assert.equal(await snapshotter.verify("layer"), "damaged");
  }));

test("a layer in two files is damaged where one of them is", () =>
  withLayer("erofs:tar-index", async (snapshotter, directory) => {
    assert.equal(await snapshotter.verify("layer"), "noted");
    assert.equal(await snapshotter.verify("layer"), "sound");
    const path = join(directory, "layer.tar");
    const file = openSync(path, "r+");
    writeSync(file, "y", 100_000);
    closeSync(file);
    assert.equal(await snapshotter.verify("layer"), "damaged");
    rmSync(path);
    assert.equal(await snapshotter.verify("layer"), "damaged");
  }));

test("only what is committed is verified, and only where it is a file", async () => {
  await withLayer("erofs", async (snapshotter) => {
    await snapshotter.prepare("active", "layer");
    await assert.rejects(snapshotter.verify("active"), { code: "conflict", message: /it is active, and may change/ });
    await assert.rejects(snapshotter.verify("nothing"), { code: "not-found" });
  });
  await withLayer("overlay", async (snapshotter) => {
    assert.equal(await snapshotter.verify("layer"), undefined);
  });
});
