import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { ImageSource } from "@orlop/core";
import { makeTar, schemaProblems, schemasObstacle, withTemporaryDirectory } from "@orlop/testkit";
import { createImageArchive } from "../archive/archive-sink.ts";
import { dockerArchive } from "../archive/docker-archive-fixture.ts";
import { openImageArchive } from "../archive/open-image-archive.ts";
import { openDirectoryImage, openTarImage } from "../single-layer/single-layer-source.ts";
import { copyImage } from "../transfer/copy-image.ts";
import { FakeSource } from "../transfer/source-fixture.ts";
import { createLayout } from "./layout-sink.ts";

const skip = schemasObstacle() ?? false;
const PLATFORM = { os: "linux", architecture: "arm64", variant: "v8" };
const CONFIG = {
  User: "1:2",
  Env: ["A=b"],
  Cmd: ["sh"],
  Labels: { a: "b" },
  ExposedPorts: { "80/tcp": {} },
  Volumes: { "/data": {} },
  StopSignal: "SIGTERM",
};

/** Everything that a source has, into a layout and out of an archive into another one. */
async function expectValid(source: ImageSource, directory: string, isForDocker = true): Promise<void> {
  const layout = join(directory, "layout");
  const archive = join(directory, "archive.tar");
  for (const sink of [await createLayout(layout), await createImageArchive(archive, { docker: isForDocker })]) {
    await using opened = sink;
    for (const image of await source.images()) await copyImage(source, opened, image, { name: image.name ?? "app:1" });
    await opened.finish();
  }
  const unpacked = join(directory, "unpacked");
  mkdirSync(unpacked);
  execFileSync("tar", ["-xf", archive, "-C", unpacked]);
  for (const each of [layout, unpacked]) assert.deepEqual(schemaProblems(each), []);
}

suite("the schemas of the image-spec", { skip }, () => {
  test("find nothing wrong with images of root file systems", () =>
    withTemporaryDirectory(async (directory) => {
      const root = join(directory, "root");
      mkdirSync(root);
      writeFileSync(join(root, "file"), "content");
      const options = { platform: PLATFORM, config: CONFIG, created: "2026-01-02T03:04:05Z" };
      await using source = await openDirectoryImage(root, options);
      await expectValid(source, directory);
    }));

  test("find nothing wrong with images of archives", () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, "root.tar.gz");
      writeFileSync(path, gzipSync(makeTar([{ path: "file", content: "content" }])));
      await using source = await openTarImage(path, { platform: { os: "linux", architecture: "amd64" } });
      await expectValid(source, directory);
    }));

  test("find nothing wrong with what docker saved, as images of the OCI", () =>
    withTemporaryDirectory(async (directory) => {
      const layers = ["a", "b"].map((path) => makeTar([{ path, content: path }]));
      await using source = await openImageArchive(
        dockerArchive(join(directory, "saved"), [{ names: ["app:1"], layers }]),
      );
      await expectValid(source, directory);
    }));

  test("find nothing wrong with layouts of images for several platforms", () =>
    withTemporaryDirectory(async (directory) => {
      const source = new FakeSource();
      const target = source.index([source.image([["a"]]), source.image([["a"], ["b"]], { platform: PLATFORM })]);
      await expectValid(Object.assign(source, { images: async () => [{ name: "app:1", target }] }), directory, false);
    }));

  test("find what is wrong", () =>
    withTemporaryDirectory(async (directory) => {
      const source = new FakeSource();
      const target = source.image([["a"]]);
      const layout = join(directory, "layout");
      await using sink = await createLayout(layout);
      await copyImage(source, sink, { target }, { name: "app:1" });
      await sink.finish();
      const path = join(layout, "index.json");
      writeFileSync(path, readFileSync(path, "utf8").replace(/"size":\d+/, '"size":"many"'));
      assert.match(
        schemaProblems(layout).join("\n"),
        /^index.json: manifests\/0\/size: 'many' is not of type 'integer'/,
      );
    }));
});
