import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, test } from "node:test";
import type { ErrorCode } from "@orlop/core";
import { type FixtureEntry, type FixtureImage, type FixtureLayer, LayoutWriter, makeTar } from "@orlop/testkit";
import type { Image } from "./image.ts";
import { openStored } from "./open-stored.ts";
import { useScratch } from "./scratch-fixture.ts";

const scratch = useScratch("orlop-layout-");
let layout: LayoutWriter;
beforeEach(() => {
  rmSync(join(scratch.path, "layout"), { recursive: true, force: true });
  layout = new LayoutWriter(join(scratch.path, "layout"));
});

async function open(tag?: string): Promise<Image> {
  return await openStored({ kind: "oci-layout", path: layout.directory, tag }, { rootless: true });
}

/** Where it has been unpacked. */
function directoryOf({ rootfs }: Image): string {
  return rootfs.kind === "directory" ? rootfs.path : assert.fail("it is not unpacked");
}

async function openImage(image: FixtureImage): Promise<Image> {
  layout.publish([layout.manifest(image)]);
  return await open();
}

const openLayers = (...layers: readonly (readonly FixtureEntry[])[]): Promise<Image> =>
  openImage({ layers: layers.map((entries): FixtureLayer => ({ tar: makeTar(entries) })) });

async function refused(work: Promise<Image>, code: ErrorCode, message: RegExp): Promise<void> {
  await assert.rejects(work, (error: Error & { code?: string }) => {
    assert.match(error.message, message);
    assert.equal(error.code, code);
    return true;
  });
  assert.deepEqual(readdirSync(scratch.temporary), [], "something unpacked was left behind");
}

const read = (image: Image, path: string): string => readFileSync(join(directoryOf(image), path), "utf8");

describe("an image of a layout", () => {
  test("is what GNU tar packed, whichever way its layer is compressed", async () => {
    const source = join(scratch.path, "source");
    const long = "d".repeat(60);
    mkdirSync(join(source, long, "e".repeat(90)), { recursive: true });
    writeFileSync(join(source, long, "e".repeat(90), "file"), "deep\n");
    writeFileSync(join(source, "program"), "#!/bin/sh\n");
    chmodSync(join(source, "program"), 0o4755);
    symlinkSync("/program", join(source, "link"));
    mkdirSync(join(source, "closed"));
    writeFileSync(join(source, "closed", "inside"), "x".repeat(100_000));
    chmodSync(join(source, "closed"), 0o500);
    execFileSync("ln", [join(source, "program"), join(source, "same")]);
    for (const format of ["gnu", "pax", "ustar"]) {
      for (const compression of ["none", "gzip", "zstd"] as const) {
        const args = ["-C", source, `--format=${format}`, "--numeric-owner", "-cf", "-", "."];
        const tar = execFileSync("tar", args, { maxBuffer: 1 << 24 });
        await using image = await openImage({ layers: [{ tar, compression }] });
        execFileSync("diff", ["-r", "--no-dereference", source, directoryOf(image)]);
        assert.equal(read(image, join(long, "e".repeat(90), "file")), "deep\n");
        assert.equal(lstatSync(join(directoryOf(image), "program")).mode & 0o7777, 0o4755);
        assert.equal(lstatSync(join(directoryOf(image), "closed")).mode & 0o7777, 0o500);
        assert.equal(
          lstatSync(join(directoryOf(image), "same")).ino,
          lstatSync(join(directoryOf(image), "program")).ino,
        );
        assert.equal(
          Math.floor(lstatSync(join(directoryOf(image), "closed")).mtimeMs / 1000),
          Math.floor(lstatSync(join(source, "closed")).mtimeMs / 1000),
        );
      }
    }
    assert.deepEqual(readdirSync(scratch.temporary), []);
    chmodSync(join(source, "closed"), 0o700);
  });

  test("says what its containers start with", async () => {
    const config = { Env: ["A=1"], Cmd: ["x"], Entrypoint: ["/y"], User: "nobody", WorkingDir: "/w" };
    await using image = await openImage({ layers: [{ tar: makeTar([]) }], config });
    assert.deepEqual(image.config, config);
  });

  test("has its layers one over the other, whiteouts applied", async () => {
    await using image = await openLayers(
      [
        { path: "gone", content: "1" },
        { path: "kept", content: "1" },
        { path: "changed", content: "1" },
        { path: "emptied/", type: "5" },
        { path: "emptied/old", content: "1" },
        { path: "directory/", type: "5" },
        { path: "directory/below", content: "1" },
        { path: "file", content: "1" },
      ],
      [
        { path: ".wh.gone" },
        { path: "changed", content: "2" },
        { path: "emptied/new", content: "2" },
        { path: "emptied/.wh..wh..opq" },
        { path: "directory", content: "now a file" },
        { path: "file/", type: "5" },
        { path: "file/below", content: "now a directory" },
        { path: "never-there/.wh.x" },
        { path: ".wh..wh.plnk/1", content: "aufs" },
      ],
    );
    assert.equal(existsSync(join(directoryOf(image), "gone")), false);
    assert.equal(read(image, "kept"), "1");
    assert.equal(read(image, "changed"), "2");
    assert.deepEqual(readdirSync(join(directoryOf(image), "emptied")), ["new"]);
    assert.equal(read(image, "directory"), "now a file");
    assert.equal(read(image, "file/below"), "now a directory");
  });

  test("keeps what a layer has made beside its own whiteout", async () => {
    await using image = await openLayers(
      [{ path: "a", content: "1" }],
      [{ path: "a", content: "2" }, { path: ".wh.a" }],
    );
    assert.equal(read(image, "a"), "2");
  });

  test("writes below a directory that is a link, inside the image", async () => {
    await using image = await openLayers(
      [
        { path: "usr/lib/", type: "5" },
        { path: "lib", type: "2", target: "/usr/lib" },
        { path: "up", type: "2", target: "../../../../usr" },
      ],
      [
        { path: "lib/x", content: "x" },
        { path: "up/y", content: "y" },
      ],
    );
    assert.equal(read(image, "usr/lib/x"), "x");
    assert.equal(read(image, "usr/y"), "y");
    assert.equal(readlinkSync(join(directoryOf(image), "lib")), "/usr/lib");
  });

  test("tells what an ordinary user does not get of it", async () => {
    await using image = await openLayers([
      { path: "dev/null", type: "3" },
      { path: "srv/device", type: "4" },
      { path: "mail", uid: 8, gid: 8, content: "" },
      { path: "ping", pax: { "SCHILY.xattr.security.capability": "x" }, content: "" },
    ]);
    assert.deepEqual(image.warnings, [
      "1 devices and pipes of the image were not made (srv/device)",
      "1 files of the image belong to its root instead, because an ordinary user has no other (mail of 8:8)",
      "1 extended attributes of the image were not set (security.capability of ping)",
    ]);
  });

  test("goes away with the rights that would keep it", async () => {
    const image = await openLayers([
      { path: "a/b/", type: "5", mode: 0 },
      { path: "a/", type: "5", mode: 0 },
    ]);
    assert.equal(lstatSync(join(directoryOf(image), "a")).mode & 0o777, 0);
    await image[Symbol.asyncDispose]();
    assert.deepEqual(readdirSync(scratch.temporary), []);
  });
});

describe("a hostile layer", () => {
  const outside = (): string => join(scratch.path, "outside");
  const plant = (): void => {
    mkdirSync(outside(), { recursive: true });
    writeFileSync(join(outside(), "file"), "mine");
  };

  test("does not write through a link out of the image", async () => {
    plant();
    for (const target of [outside(), "../../../../../../../..".concat(outside())]) {
      await using image = await openLayers([
        { path: "out", type: "2", target },
        { path: "out/file", content: "theirs" },
        { path: "out/new", content: "theirs" },
      ]);
      assert.equal(readFileSync(join(outside(), "file"), "utf8"), "mine");
      assert.deepEqual(readdirSync(outside()), ["file"]);
      assert.equal(read(image, join(outside(), "file")), "theirs");
    }
  });

  test("does not write through a link that stands in the file's place", async () => {
    plant();
    await using image = await openLayers([
      { path: "file", type: "2", target: join(outside(), "file") },
      { path: "file", content: "theirs", mode: 0o777 },
    ]);
    assert.equal(readFileSync(join(outside(), "file"), "utf8"), "mine");
    assert.equal(read(image, "file"), "theirs");
  });

  test("does not remove through a link out of the image", async () => {
    plant();
    await using _ = await openLayers(
      [{ path: "out", type: "2", target: outside() }],
      [{ path: "out/.wh.file" }, { path: "out/.wh..wh..opq" }],
      [{ path: ".wh.out" }],
    );
    assert.equal(readFileSync(join(outside(), "file"), "utf8"), "mine");
  });

  test("does not take a file of the host in by a hard link", async () => {
    plant();
    const target = join(outside(), "file");
    await refused(openLayers([{ path: "h", type: "1", target }]), "failed", /Cannot unpack "h": ENOENT/);
    await refused(
      openLayers([
        { path: "l", type: "2", target: outside() },
        { path: "h", type: "1", target: "l/file" },
      ]),
      "failed",
      /Cannot unpack "h": ENOENT/,
    );
  });

  test("does not change the mode of what a link points to", async () => {
    plant();
    chmodSync(outside(), 0o755);
    await using _ = await openLayers([
      { path: "d/", type: "5" },
      { path: "d/", type: "5", mode: 0o700 },
      { path: "d", type: "2", target: outside() },
    ]);
    assert.equal(lstatSync(outside()).mode & 0o777, 0o755);
  });

  const cases: readonly [what: string, entries: readonly FixtureEntry[], code: ErrorCode, message: RegExp][] = [
    ["a path with ..", [{ path: "a/../../x" }], "invalid", /its path leaves the layer/],
    ["a link loop", [{ path: "a", type: "2", target: "a" }, { path: "a/x" }], "failed", /too many links/],
    ["a file on the way", [{ path: "a" }, { path: "a/x" }], "failed", /ENOTDIR/],
    ["a whiteout of nothing", [{ path: ".wh." }], "invalid", /its whiteout names no entry/],
    ["a whiteout of the parent", [{ path: "a/.wh..." }], "invalid", /its whiteout names no entry/],
    ["a path that is too long", [{ path: "x", pax: { path: "x/".repeat(3000) } }], "invalid", /longer than 4096 bytes/],
    [
      "a sparse file whose map is wrong",
      [{ path: "x", pax: { "GNU.sparse.map": "0,9", "GNU.sparse.size": "5" } }],
      "invalid",
      /out of order/,
    ],
    ["an unknown type", [{ path: "x", type: "Z" }], "unsupported", /entries of type "Z" are not known/],
    ["a hard link to the root", [{ path: "x", type: "1", target: "." }], "invalid", /it links to a directory/],
  ];
  for (const [what, entries, code, message] of cases) {
    test(`is refused: ${what}`, async () => await refused(openLayers(entries), code, message));
  }

  test("takes absolute paths as the image's own", async () => {
    await using image = await openLayers([{ path: "/etc/x", content: "x" }]);
    assert.equal(read(image, "etc/x"), "x");
  });
});

describe("a broken layout", () => {
  const tar = makeTar([{ path: "a", content: "a" }]);

  test("is refused without an index, a version, a blob", async () => {
    await refused(open(), "not-found", /it has no index.json/);
    layout.publish([]);
    await refused(open(), "not-found", /it is empty/);
    const manifest = layout.manifest({ layers: [{ tar }] });
    layout.publish([manifest]);
    rmSync(join(layout.directory, "blobs", ...manifest.digest.split(":")));
    await refused(open(), "not-found", /the layout does not hold it/);
    writeFileSync(join(layout.directory, "oci-layout"), "{}");
    await refused(open(), "invalid", /imageLayoutVersion/);
  });

  test("is refused when a blob is not what its digest says", async () => {
    const layer = layout.layer({ tar });
    layout.publish([layout.manifest({ layers: [{ tar }] })]);
    const path = join(layout.directory, "blobs", ...layer.digest.split(":"));
    const content = readFileSync(path);
    appendFileSync(path, "x");
    await refused(open(), "invalid", /its descriptor says/);
    content[content.length - 1] = (content.at(-1) ?? 0) ^ 1;
    writeFileSync(path, content);
    await refused(open(), "invalid", /Cannot (use blob|unpack layer)/);
  });

  test("is refused when a layer is not what the config says", async () => {
    const other = makeTar([{ path: "b" }]);
    const real = layout.manifest.bind(layout);
    const manifest = real({ layers: [{ tar }] });
    const document = JSON.parse(readFileSync(join(layout.directory, "blobs", ...manifest.digest.split(":")), "utf8"));
    const swapped = { ...document, layers: [layout.layer({ tar: other })] };
    layout.publish([layout.blob(swapped, manifest.mediaType)]);
    await refused(open(), "invalid", /unpacked it hashes to/);
    layout.publish([layout.blob({ ...document, layers: [] }, manifest.mediaType)]);
    await refused(open(), "invalid", /0 layers and its config 1/);
  });

  test("is refused when its archive is cut short or none at all", async () => {
    await refused(openImage({ layers: [{ tar: tar.subarray(0, 600) }] }), "invalid", /Cannot read tar archive/);
    await refused(openImage({ layers: [{ tar: Buffer.alloc(512, "x") }] }), "invalid", /Cannot read tar archive/);
  });
});

describe("the choice among images", () => {
  const tar = makeTar([]);
  const image = (cmd: string, more: Partial<FixtureImage> = {}): FixtureImage => ({
    layers: [{ tar }],
    config: { Cmd: [cmd] },
    ...more,
  });

  test("goes by the tag", async () => {
    layout.publish([layout.manifest(image("one", { tag: "1" })), layout.manifest(image("two", { tag: "2" }))]);
    {
      await using found = await open("2");
      assert.deepEqual(found.config.Cmd, ["two"]);
    }
    await refused(open("3"), "not-found", /Cannot find image "3" in the layout; its tags are 1, 2/);
    await refused(open(), "not-found", /it has several; its tags are 1, 2\nTry oci:PATH:TAG\./);
  });

  test("takes the latest when no tag is given", async () => {
    layout.publish([layout.manifest(image("one", { tag: "1" })), layout.manifest(image("new", { tag: "latest" }))]);
    await using found = await open();
    assert.deepEqual(found.config.Cmd, ["new"]);
  });

  test("goes by the platform, through nested indexes, past attestations", async () => {
    const attestation = { ...layout.manifest(image("attest")), platform: { os: "unknown", architecture: "unknown" } };
    const foreign = layout.manifest(image("foreign", { architecture: "s390x" }));
    layout.publish([layout.index([attestation, layout.index([foreign, layout.manifest(image("own"))])])]);
    await using found = await open();
    assert.deepEqual(found.config.Cmd, ["own"]);
  });

  test("finds nothing for a foreign platform", async () => {
    const foreign = layout.manifest(image("foreign", { architecture: "s390x" }));
    layout.publish([foreign]);
    await refused(open(), "not-found", /Cannot find an image for linux\/\w+ in the layout, it has linux\/s390x/);
    const { platform: _, ...unmarked } = foreign;
    layout.publish([unmarked]);
    await refused(open(), "unsupported", /it is for linux\/s390x/);
  });

  test("does not follow indexes for ever", async () => {
    let nested = layout.manifest(image("deep"));
    for (let depth = 0; depth < 6; depth++) nested = layout.index([nested]);
    layout.publish([nested]);
    await refused(open(), "exhausted", /nested more than 4 deep/);
  });
});
