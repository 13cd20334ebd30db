import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { readTar } from "@orlop/image";
import { type FixtureEntry, makeTar, temporaryDirectory } from "@orlop/testkit";
import { fileSystemObstacle } from "../snapshotter-fixture.ts";
import { describeFiles, MAKE_TREE, xattrObstacle } from "../tree-fixture.ts";
import { ErofsLayer } from "./erofs-layer.ts";
import { writeErofs } from "./write-erofs.ts";

/** Somewhere to mount in, all of which is gone afterwards. */
async function withMounts(t: TestContext, work: (place: Place) => Promise<void>): Promise<void> {
  const obstacle = fileSystemObstacle("erofs") ?? xattrObstacle();
  if (obstacle !== undefined) return t.skip(obstacle);
  using directory = temporaryDirectory("orlop-erofs-", "/run");
  const mounted: string[] = [];
  const place: Place = {
    path: (name) => join(directory.path, name),
    mount: (name, ...args) => {
      const target = join(directory.path, name);
      mkdirSync(target);
      execFileSync("mount", [...args, target], { stdio: "pipe" });
      mounted.unshift(target);
      return target;
    },
  };
  try {
    await work(place);
  } finally {
    for (const target of mounted) execFileSync("umount", [target]);
  }
}

interface Place {
  path(name: string): string;
  mount(name: string, ...args: readonly string[]): string;
}

async function writeLayer(
  place: Place,
  name: string,
  entries: readonly FixtureEntry[],
  below: readonly ErofsLayer[] = [],
): Promise<void> {
  async function* archive(): AsyncGenerator<Buffer> {
    yield makeTar(entries);
  }
  await writeErofs(place.path(name), readTar(archive()), below);
}

suite("a mounted EROFS image", () => {
  test("has what GNU tar unpacks, down to times, owners, devices and attributes", (t) =>
    withMounts(t, async (place) => {
      // In memory, where there are attributes of every kind.
      const tree = place.mount("tree", "-t", "tmpfs", "tree");
      execFileSync("sh", ["-ec", MAKE_TREE], { cwd: tree });
      const archive = place.path("archive.tar");
      execFileSync("tar", ["--format=pax", "--xattrs", "--xattrs-include=*", "-C", tree, "-cf", archive, "."]);
      await writeErofs(place.path("image"), readTar(createReadStream(archive)));
      const image = place.mount("mounted", "-t", "erofs", place.path("image"));
      assert.equal(describeFiles(image), describeFiles(tree));
    }));

  test("is a layer for overlay: whiteouts hide, and directories keep what layers below say of them", (t) =>
    withMounts(t, async (place) => {
      const directory = { type: "5", uid: 3, mode: 0o750 };
      await writeLayer(place, "lower", [
        { path: "d/", ...directory },
        { path: "d/old", content: "old" },
        { path: "gone", content: "gone" },
        { path: "replaced/", type: "5" },
        { path: "replaced/old", content: "old" },
        { path: "kept/", ...directory },
        { path: "lib", type: "2", target: "d" },
      ]);
      using lower = new ErofsLayer(place.path("lower"));
      await writeLayer(
        place,
        "upper",
        [
          { path: ".wh.gone" },
          { path: "d/.wh..wh..opq" },
          { path: "d/new", content: "new" },
          { path: ".wh.replaced" },
          { path: "replaced/new", content: "new" },
          { path: "kept/added", content: "added" },
          { path: "lib/by-link", content: "by link" },
        ],
        [lower],
      );
      const layers = ["upper", "lower"].map((name) => place.mount(`${name}-mounted`, "-t", "erofs", place.path(name)));
      const merged = place.mount("merged", "-t", "overlay", "overlay", "-o", `lowerdir=${layers.join(":")}`);
      const found = execFileSync("find", [".", "-mindepth", "1", "-printf", "%P %y %m %U\\n"], {
        cwd: merged,
        encoding: "utf8",
      });
      assert.deepEqual(found.trim().split("\n").sort(), [
        "d d 750 3",
        "d/by-link f 644 0",
        "d/new f 644 0",
        "kept d 750 3",
        "kept/added f 644 0",
        "lib l 777 0",
        "replaced d 755 0",
        "replaced/new f 644 0",
      ]);
    }));
});
