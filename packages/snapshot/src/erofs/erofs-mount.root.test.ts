import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { suite, type TestContext, test } from "node:test";
import type { LayerEntries, LayerEntry } from "@orlop/core";
import { readTar } from "@orlop/image";
import { type FixtureEntry, loopDevice, makeTar, temporaryDirectory } from "@orlop/testkit";
import { fileSystemObstacle } from "../snapshotter-fixture.ts";
import { describeFiles, MAKE_TREE, xattrObstacle } from "../tree-fixture.ts";
import { archivedEntries } from "./archived-entries-fixture.ts";
import { ErofsLayer } from "./erofs-layer.ts";
import { writeErofs } from "./write-erofs.ts";

/** Somewhere to mount in, all of which is gone afterwards. */
async function withMounts(t: TestContext, work: (place: Place) => Promise<void>): Promise<void> {
  const obstacle = fileSystemObstacle("erofs") ?? xattrObstacle();
  if (obstacle !== undefined) return t.skip(obstacle);
  using directory = temporaryDirectory("orlop-erofs-", "/run");
  using mounted = new DisposableStack();
  const place: Place = {
    path: (name) => join(directory.path, name),
    mount: (name, ...args) => {
      const target = join(directory.path, name);
      mkdirSync(target);
      execFileSync("mount", [...args, target], { stdio: "pipe" });
      mounted.defer(() => execFileSync("umount", [target]));
      return target;
    },
    device: (path) => mounted.use(loopDevice(path)).path,
  };
  await work(place);
}

interface Place {
  path(name: string): string;
  mount(name: string, ...args: readonly string[]): string;
  device(path: string): string;
}

/** An image on its own, or the index of an archive that lies beside it. */
class Form {
  readonly #isIndex: boolean;

  constructor(isIndex: boolean) {
    this.#isIndex = isIndex;
  }

  archive(path: string): string | undefined {
    return this.#isIndex ? `${path}.tar` : undefined;
  }

  mount(place: Place, name: string): string {
    const archive = this.archive(place.path(name));
    const options = archive === undefined ? [] : ["-o", `device=${place.device(archive)}`];
    return place.mount(`${name}-mounted`, "-t", "erofs", ...options, place.path(name));
  }

  async write(place: Place, name: string, entries: LayerEntries, below?: readonly ErofsLayer[]): Promise<void> {
    const path = place.path(name);
    await writeErofs(path, entries, { below, archive: this.archive(path) });
  }
}

async function* layer(entries: readonly FixtureEntry[]): AsyncGenerator<LayerEntry> {
  yield* readTar(Readable.from([makeTar(entries)]));
}

function imageSuite(title: string, form: Form): void {
  suite(title, () => imageTests(form));
}

function imageTests(form: Form): void {
  test("has what GNU tar unpacks, down to times, owners, devices and attributes", (t) =>
    withMounts(t, async (place) => {
      // In memory, where there are attributes of every kind.
      const tree = place.mount("tree", "-t", "tmpfs", "tree");
      execFileSync("sh", ["-ec", MAKE_TREE], { cwd: tree });
      const archive = place.path("archive.tar");
      for (const kind of ["--no-sparse", "--sparse"]) {
        const options = kind === "--sparse" ? [kind] : [];
        const all = ["--format=pax", "--xattrs", "--xattrs-include=*", ...options, "-C", tree, "-cf", archive, "."];
        execFileSync("tar", all);
        await form.write(place, kind, archivedEntries(createReadStream(archive)));
        assert.equal(describeFiles(form.mount(place, kind)), describeFiles(tree), kind);
      }
    }));

  test("is a layer for overlay: whiteouts hide, and directories keep what layers below say of them", (t) =>
    withMounts(t, async (place) => {
      const directory = { type: "5", uid: 3, mode: 0o750 };
      const below = layer([
        { path: "d/", ...directory },
        { path: "d/old", content: "old" },
        { path: "gone", content: "gone" },
        { path: "replaced/", type: "5" },
        { path: "replaced/old", content: "old" },
        { path: "kept/", ...directory },
        { path: "lib", type: "2", target: "d" },
        { path: "linked", content: "what is linked to" },
      ]);
      await form.write(place, "lower", below);
      using lower = new ErofsLayer(place.path("lower"), form.archive(place.path("lower")));
      const above = layer([
        { path: ".wh.gone" },
        { path: "d/.wh..wh..opq" },
        { path: "d/new", content: "new" },
        { path: ".wh.replaced" },
        { path: "replaced/new", content: "new" },
        { path: "kept/added", content: "added" },
        { path: "lib/by-link", content: "by link" },
        { path: "link", type: "1", target: "linked" },
      ]);
      await form.write(place, "upper", above, [lower]);
      const layers = ["upper", "lower"].map((name) => form.mount(place, name));
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
        "link f 644 0",
        "linked f 644 0",
        "replaced d 755 0",
        "replaced/new f 644 0",
      ]);
      assert.equal(readFileSync(join(merged, "link"), "utf8"), "what is linked to");
    }));
}

imageSuite("a mounted EROFS image", new Form(false));
imageSuite("a mounted EROFS index, with its archive as a device", new Form(true));

test("an EROFS index is an image of its own with the archive behind it, and keeps that as it was", (t) =>
  withMounts(t, async (place) => {
    const archive = place.path("archive.tar");
    writeFileSync(archive, makeTar([{ path: "d/f", content: Buffer.alloc(3_000_000, "content") }, { path: "g" }]));
    await new Form(true).write(place, "index", archivedEntries(createReadStream(archive)));
    assert.deepEqual(readFileSync(place.path("index.tar")), readFileSync(archive));
    const index = readFileSync(place.path("index"));
    assert.ok(index.length < 4096, `the index has ${index.length} bytes`);
    writeFileSync(place.path("both"), Buffer.concat([index, readFileSync(archive)]));
    const mounted = place.mount("mounted", "-t", "erofs", place.path("both"));
    assert.deepEqual(readFileSync(join(mounted, "d/f")), Buffer.alloc(3_000_000, "content"));
  }));
