import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { Database, readTar } from "@orlop/image";
import { type FixtureEntry, makeTar, withTemporaryDirectory } from "@orlop/testkit";
import { snapshotLosses } from "../layer/layer-losses.ts";
import { openSnapshotter } from "../open-snapshotter.ts";

const lower: readonly FixtureEntry[] = [
  { path: "dev/null", type: "3" },
  { path: "srv/device", type: "4" },
  { path: "mail", uid: 8, gid: 8, content: "" },
  { path: ".wh.gone", uid: 8 },
];
const upper: readonly FixtureEntry[] = [
  { path: "pipe", type: "6", uid: 9 },
  {
    path: "ping",
    pax: { "SCHILY.xattr.security.capability": "x", "SCHILY.xattr.security.selinux": "s", "SCHILY.xattr.user.a": "b" },
    content: "",
  },
];

async function* archive(entries: readonly FixtureEntry[]): AsyncGenerator<Buffer> {
  yield makeTar(entries);
}

test("what an ordinary user does not get of layers is told, once for all of them", async () => {
  await withTemporaryDirectory(async (directory) => {
    using database = new Database(join(directory, "metadata.db"));
    const snapshotter = await openSnapshotter("overlay", { directory: join(directory, "overlay"), database });
    for (const [name, parent, entries] of [
      ["lower", undefined, lower],
      ["upper", "lower", upper],
    ] as const) {
      await snapshotter.prepare(`${name}-key`, parent);
      await snapshotter.apply(`${name}-key`, readTar(archive(entries)));
      await snapshotter.commit(name, `${name}-key`);
    }
    assert.deepEqual(await snapshotLosses(snapshotter, "upper"), [
      "1 devices of the image were not made (srv/device)",
      "2 files of the image belong to its root instead, because an ordinary user has no other (mail of 8:8, pipe of 9:0)",
      "1 extended attributes of the image were not set (security.capability of ping)",
    ]);
    assert.deepEqual(await snapshotLosses(snapshotter, undefined), []);
    const found = execFileSync("find", [directory, "-name", "ping", "-o", "-type", "p"], { encoding: "utf8" });
    assert.equal(found.trim().split("\n").length, 2);
    await snapshotter.close();
  });
});
