import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createWriteStream, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, test } from "node:test";
import { type Descriptor, type ImageSink, parsePlatform } from "@orlop/core";
import { LayoutWriter, makeTar, withTemporaryDirectory } from "@orlop/testkit";
import type { FilesSource } from "../layout/files-source.ts";
import { openLayout } from "../layout/open-layout.ts";
import { copyImage } from "../transfer/copy-image.ts";
import { type ArchiveSinkOptions, createImageArchive } from "./archive-sink.ts";
import { openImageArchive } from "./open-image-archive.ts";

function missing(program: string): string | false {
  const found = (process.env.PATH ?? "").split(":").some((directory) => existsSync(join(directory, program)));
  return found ? false : `${program} is not installed`;
}

const tarOf = (text: string): Buffer => makeTar([{ path: text, content: text }]);
const shared = { tar: tarOf("shared") };

/** Images called one and two, which share a layer, and one for several platforms. */
function makeLayout(directory: string): FilesSource {
  const layout = new LayoutWriter(directory);
  const image = (id: string, architecture = "amd64"): Descriptor =>
    layout.manifest({ layers: [shared, { tar: tarOf(id) }], config: { Cmd: [id] }, architecture });
  const tagged = (descriptor: Descriptor, tag: string): Descriptor => ({
    ...descriptor,
    annotations: { "org.opencontainers.image.ref.name": tag },
  });
  const several = layout.index([image("amd"), image("arm", "arm64")]);
  layout.publish([tagged(image("one"), "one"), tagged(image("two"), "two"), tagged(several, "several")]);
  return openLayout(directory);
}

const NAMES = [
  ["one", "busybox:latest"],
  ["one", "example.com/one:1"],
  ["two", "example.com/two:1"],
] as const;

async function fill(sink: ImageSink, source: FilesSource): Promise<void> {
  for (const [tag, name] of NAMES) await copyImage(source, sink, source.image(tag), { name });
  await sink.finish();
}

async function write(path: string, source: FilesSource, options: ArchiveSinkOptions = { docker: true }): Promise<void> {
  await using sink = await createImageArchive(path, options);
  await fill(sink, source);
}

function inTar(archive: string, path: string): unknown {
  return JSON.parse(execFileSync("tar", ["-xOf", archive, path], { encoding: "utf8" }));
}

const withSource = (work: (source: FilesSource, directory: string) => Promise<void>): Promise<void> =>
  withTemporaryDirectory((directory) => work(makeLayout(join(directory, "layout")), directory));

describe("an archive of images", () => {
  test("offers what was put, under the same digests", () =>
    withSource(async (source, directory) => {
      const path = join(directory, "images.tar");
      await write(path, source);
      await using found = await openImageArchive(path);
      const images = await found.images();
      assert.deepEqual(
        images.map(({ name, target }) => [name, target.digest]),
        [
          ["docker.io/library/busybox:latest", source.image("one").target.digest],
          ["example.com/one:1", source.image("one").target.digest],
          ["example.com/two:1", source.image("two").target.digest],
        ],
      );
      for (const { target } of images) assert.ok((await found.document(target)).equals(await source.document(target)));
      assert.deepEqual(readdirSync(directory).sort(), ["images.tar", "layout"]);
    }));

  test("has what docker's archives have: a layout, manifest.json and repositories", () =>
    withSource(async (source, directory) => {
      const path = join(directory, "images.tar");
      await write(path, source);
      const manifest = inTar(path, "manifest.json") as readonly {
        Config: string;
        RepoTags: string[];
        Layers: string[];
      }[];
      assert.deepEqual(
        manifest.map(({ RepoTags }) => RepoTags),
        [["busybox:latest", "example.com/one:1"], ["example.com/two:1"]],
      );
      const [one, two] = manifest;
      assert.match(one?.Config ?? "", /^blobs\/sha256\/[0-9a-f]{64}$/);
      assert.equal(one?.Layers[0], two?.Layers[0]);
      const top = (layers: readonly string[] | undefined): string | undefined =>
        layers?.at(-1)?.slice("blobs/sha256/".length);
      assert.deepEqual(inTar(path, "repositories"), {
        busybox: { latest: top(one?.Layers) },
        "example.com/one": { 1: top(one?.Layers) },
        "example.com/two": { 1: top(two?.Layers) },
      });
      const index = inTar(path, "index.json") as { manifests: readonly Descriptor[] };
      assert.deepEqual(
        index.manifests.map(({ annotations }) => annotations?.["org.opencontainers.image.ref.name"]),
        ["latest", "1", "example.com/two:1"],
      );
      assert.deepEqual(inTar(path, "oci-layout"), { imageLayoutVersion: "1.0.0" });
      const listed = execFileSync("tar", ["-tf", path], { encoding: "utf8" }).trim().split("\n");
      assert.deepEqual(listed.slice(0, 2), ["blobs/", "blobs/sha256/"]);
      assert.deepEqual(listed.slice(-4), ["index.json", "manifest.json", "oci-layout", "repositories"]);
      assert.equal(new Set(listed).size, listed.length);
    }));

  test("is the same for the same images, in a file and in a stream", () =>
    withSource(async (source, directory) => {
      const [first, second] = [join(directory, "first"), join(directory, "second")];
      await write(first, source);
      const stream = createWriteStream(second);
      {
        await using sink = await createImageArchive(stream, { docker: true });
        await fill(sink, source);
      }
      await new Promise((resolve) => stream.end(resolve));
      assert.ok(readFileSync(first).equals(readFileSync(second)));
      const fifo = join(directory, "fifo");
      execFileSync("mkfifo", [fifo]);
      const reader = spawn("sha256sum", [fifo], { stdio: ["ignore", "pipe", "inherit"] });
      const digest = Array.fromAsync(reader.stdout);
      await write(fifo, source);
      const expected = createHash("sha256").update(readFileSync(first)).digest("hex");
      assert.ok(String(Buffer.concat(await digest)).startsWith(expected));
    }));

  test("is a layout alone where nothing of docker's is wanted", () =>
    withSource(async (source, directory) => {
      const path = join(directory, "images.tar");
      await write(path, source, {});
      const listed = execFileSync("tar", ["-tf", path], { encoding: "utf8" }).trim().split("\n");
      assert.deepEqual(listed.slice(-2), ["index.json", "oci-layout"]);
    }));

  test("has the name that it was opened with, or a mere tag, and one image for each name", () =>
    withSource(async (source, directory) => {
      const path = join(directory, "images.tar");
      const putAs = async (names: readonly (readonly [tag: string, name: string | undefined])[], name?: string) => {
        await using sink = await createImageArchive(path, name === undefined ? {} : { name });
        for (const [tag, as] of names) {
          await copyImage(source, sink, source.image(tag), as === undefined ? {} : { name: as });
        }
        await sink.finish();
        return (inTar(path, "index.json") as { manifests: readonly Descriptor[] }).manifests.map(
          ({ annotations }) => annotations,
        );
      };
      const label = "org.opencontainers.image.ref.name";
      assert.deepEqual(await putAs([["one", undefined]], "v1"), [{ [label]: "v1" }]);
      assert.deepEqual(await putAs([["one", undefined]]), [undefined]);
      assert.deepEqual(
        await putAs([
          ["one", "a:1"],
          ["two", "a:1"],
          ["two", undefined],
        ]),
        [{ "io.containerd.image.name": "docker.io/library/a:1", [label]: "1" }],
      );
      await assert.rejects(putAs([["one", "no tag"]]), { code: "invalid", message: /it is no tag/ });
    }));

  test("speaks to docker of one platform", () =>
    withSource(async (source, directory) => {
      const path = join(directory, "images.tar");
      const put = async (options: ArchiveSinkOptions): Promise<void> => {
        await using sink = await createImageArchive(path, { docker: true, ...options });
        await copyImage(source, sink, source.image("several"), { name: "several:1" });
        await sink.finish();
      };
      await assert.rejects(put({}), { code: "invalid", message: /it is for 2 platforms/ });
      assert.equal(existsSync(path), false);
      await put({ platform: parsePlatform("linux/arm64") });
      const [image] = inTar(path, "manifest.json") as readonly { Config: string }[];
      assert.equal((inTar(path, image?.Config ?? "") as { architecture: string }).architecture, "arm64");
      const index = inTar(path, "index.json") as { manifests: readonly Descriptor[] };
      assert.equal(index.manifests[0]?.digest, source.image("several").target.digest);
    }));
});

describe("an archive of images that cannot be written", () => {
  test("does not appear, and leaves the one that was there", () =>
    withSource(async (source, directory) => {
      const path = join(directory, "images.tar");
      writeFileSync(path, "old");
      const { target } = source.image("one");
      const cases: readonly [put: (sink: ImageSink) => Promise<unknown>, message: RegExp][] = [
        [(sink) => sink.putBlob(target, () => chunks("short")), /it has 5 bytes, its descriptor says/],
        [(sink) => sink.putBlob(target, () => chunks("x".repeat(target.size))), /its content hashes to/],
        [(sink) => sink.putBlob(target, () => chunks("x".repeat(target.size + 1))), /its descriptor says/],
        [(sink) => sink.putManifest(target, Buffer.from("{}")), /its descriptor says/],
        [
          (sink) => sink.putBlob(target, () => chunks("x"), { signal: AbortSignal.abort() }),
          /Cannot write image archive .*: it was ended/,
        ],
      ];
      for (const [put, message] of cases) {
        await using sink = await createImageArchive(path);
        await assert.rejects(put(sink), message);
      }
      {
        await using sink = await createImageArchive(path);
        await assert.rejects(sink.putBlob(target, () => chunks("short")));
        await assert.rejects(sink.finish(), { code: "conflict", message: /it was given up/ });
      }
      await assert.rejects(createImageArchive(join(directory, "none", "x")), { code: "not-found" });
      assert.equal(readFileSync(path, "utf8"), "old");
      assert.deepEqual(readdirSync(directory).sort(), ["images.tar", "layout"]);
    }));

  test("ends with the stream's error", () =>
    withSource(async (source) => {
      const stream = new PassThrough();
      stream.destroy(Object.assign(new Error("EPIPE"), { code: "EPIPE" }));
      stream.on("error", () => {});
      await using sink = await createImageArchive(stream);
      await assert.rejects(fill(sink, source), /Cannot write image archive to standard output/);
    }));
});

async function* chunks(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

describe("an archive of images in the eyes of others", () => {
  test("is read by skopeo in both forms", { skip: missing("skopeo") }, () =>
    withSource(async (source, directory) => {
      const path = join(directory, "images.tar");
      await write(path, source);
      const digest = (image: string): unknown =>
        JSON.parse(execFileSync("skopeo", ["inspect", image], { encoding: "utf8" })).Digest;
      assert.equal(digest(`oci-archive:${path}:latest`), source.image("one").target.digest);
      assert.equal(digest(`oci-archive:${path}:example.com/two:1`), source.image("two").target.digest);
      const docker = join(directory, "docker.tar");
      for (const name of ["busybox:latest", "example.com/two:1"]) {
        const target = `docker-archive:${docker}.${name.length}:${name}`;
        execFileSync("skopeo", ["copy", "-q", "--insecure-policy", `docker-archive:${path}:${name}`, target]);
        await using again = await openImageArchive(`${docker}.${name.length}`);
        assert.equal(again.image(name).name, name.startsWith("busybox") ? `docker.io/library/${name}` : name);
      }
    }),
  );
});
