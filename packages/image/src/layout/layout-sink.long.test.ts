import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import type { Descriptor, Index } from "@orlop/core";
import { LayoutWriter, makeTar, withTemporaryDirectory } from "@orlop/testkit";
import { copyImage } from "../transfer/copy-image.ts";
import type { FilesSource } from "./files-source.ts";
import { createLayout } from "./layout-sink.ts";
import { openLayout } from "./open-layout.ts";

const REF = "org.opencontainers.image.ref.name";
const NAME = "io.containerd.image.name";

function missing(program: string): string | false {
  const found = (process.env.PATH ?? "").split(":").some((directory) => existsSync(join(directory, program)));
  return found ? false : `${program} is not installed`;
}

/** A layout of images called by these tags, and the directory of another one. */
const withSource = (
  tags: readonly string[],
  work: (source: FilesSource, to: string, directory: string) => Promise<void>,
): Promise<void> =>
  withTemporaryDirectory(async (directory) => {
    const layout = new LayoutWriter(join(directory, "from"));
    layout.publish(
      tags.map((tag) => layout.manifest({ layers: [{ tar: makeTar([{ path: tag, content: tag }]) }], tag })),
    );
    await work(openLayout(layout.directory), join(directory, "to"), directory);
  });

async function put(source: FilesSource, to: string, tag: string, name?: string, own?: string): Promise<void> {
  await using sink = createLayout(to, own === undefined ? {} : { name: own });
  await copyImage(source, sink, source.image(tag), name === undefined ? {} : { name });
  await sink.finish();
}

const readIndex = (layout: string): Index => JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as Index;
const annotationsIn = (layout: string): readonly unknown[] =>
  readIndex(layout).manifests.map(({ annotations }) => annotations);

describe("a layout that images are put into", () => {
  test("offers them under their digests, and has nothing else in it", () =>
    withSource(["one", "two"], async (source, to) => {
      await put(source, to, "one", "busybox:1");
      await put(source, to, "two", "example.com/two:2");
      const images = await openLayout(to).images();
      assert.deepEqual(
        images.map(({ name, target }) => [name, target.digest]),
        [
          ["docker.io/library/busybox:1", source.image("one").target.digest],
          ["example.com/two:2", source.image("two").target.digest],
        ],
      );
      const { target } = images[0] ?? assert.fail();
      assert.ok((await openLayout(to).document(target)).equals(await source.document(target)));
      assert.deepEqual(readdirSync(to).sort(), ["blobs", "index.json", "oci-layout"]);
      assert.equal(readFileSync(join(to, "oci-layout"), "utf8"), '{"imageLayoutVersion":"1.0.0"}');
    }));

  test("has names as containerd and skopeo write them, each of one image", () =>
    withSource(["one", "two"], async (source, to) => {
      await put(source, to, "one", "a:1");
      await put(source, to, "two", "b:1");
      await put(source, to, "one", undefined, "edge");
      assert.deepEqual(annotationsIn(to), [
        { [NAME]: "docker.io/library/a:1", [REF]: "1" },
        { [NAME]: "docker.io/library/b:1", [REF]: "docker.io/library/b:1" },
        { [REF]: "edge" },
      ]);
      await put(source, to, "two", undefined, "edge");
      await put(source, to, "two", "a:1");
      assert.deepEqual(
        readIndex(to).manifests.map(({ digest, annotations }) => [digest, annotations?.[REF]]),
        ["docker.io/library/b:1", "edge", "1"].map((label) => [source.image("two").target.digest, label]),
      );
    }));

  test("keeps what it has, and what nobody here knows of it", () =>
    withSource(["one", "two"], async (source, to) => {
      await put(source, to, "one");
      const index = readIndex(to);
      const foreign = { ...(index.manifests[0] as Descriptor), "x.custom": [1], annotations: { "x.y": "z" } };
      writeFileSync(
        join(to, "index.json"),
        JSON.stringify({ ...index, "x.top": 12345678901234567890n.toString(), manifests: [foreign] }),
      );
      await put(source, to, "two", "b:1");
      const found = readIndex(to) as Index & { readonly "x.top"?: string };
      assert.deepEqual(found.manifests[0], foreign);
      assert.equal(found["x.top"], "12345678901234567890");
      assert.equal(found.manifests.length, 2);
    }));

  test("does not take what is not as its descriptor says", () =>
    withSource(["one"], async (source, to) => {
      const { target } = source.image();
      const chunks = async function* (text: string): AsyncGenerator<Buffer> {
        yield Buffer.from(text);
      };
      await using sink = createLayout(to);
      await assert.rejects(
        sink.putBlob(target, () => chunks("short")),
        { code: "invalid" },
      );
      await assert.rejects(
        sink.putBlob(target, () => chunks("x".repeat(target.size))),
        { code: "invalid" },
      );
      await assert.rejects(sink.putManifest(target, Buffer.from("{}")), { code: "invalid" });
      await assert.rejects(
        sink.putBlob(target, () => chunks("x"), { signal: AbortSignal.abort() }),
        { code: "cancelled" },
      );
      assert.equal(await sink.has(target), false);
      assert.equal(existsSync(join(to, "blobs")), false);
      await assert.rejects(sink.putName("no tag", target), { code: "invalid" });
      await assert.rejects(sink.putName("x", target, AbortSignal.abort()), { code: "cancelled" });
      assert.equal(existsSync(join(to, "index.json")), false);
    }));

  test("is refused where it is no layout", () =>
    withSource(["one"], async (source, to, directory) => {
      mkdirSync(to);
      writeFileSync(join(to, "oci-layout"), '{"imageLayoutVersion":"7.0.0"}');
      await assert.rejects(put(source, to, "one"), { code: "invalid", message: /imageLayoutVersion/ });
      writeFileSync(join(directory, "file"), "");
      assert.throws(() => createLayout(join(directory, "file")), {
        code: "exists",
        message: /Cannot write image layout/,
      });
    }));
});

const WRITER = [...process.execArgv, join(import.meta.dirname, "layout-writer-fixture.ts")];

describe("a layout that several write to", () => {
  test("has the images of all of them", () =>
    withSource(["one"], async (_, to, directory) => {
      const names = (writer: number): string[] => Array.from({ length: 3 }, (_, index) => `w${writer}:${index}`);
      const run = promisify(execFile);
      await Promise.all(
        [1, 2, 3].map((n) => run(process.execPath, [...WRITER, join(directory, "from"), to, ...names(n)])),
      );
      const found = (await openLayout(to).images()).map(({ name }) => name?.replace("docker.io/library/", ""));
      assert.deepEqual(found.sort(), [1, 2, 3].flatMap(names));
      assert.deepEqual(readdirSync(to).sort(), ["blobs", "index.json", "oci-layout"]);
    }));

  test("is whole at every moment, also when one of them is killed, and the next one cleans up", () =>
    withSource(["one"], async (source, to, directory) => {
      await put(source, to, "one", "kept:1");
      for (let round = 0; round < 3; round++) {
        const names = Array.from({ length: 40 }, (_, index) => `killed${round}:${index}`);
        const writer = spawn(process.execPath, [...WRITER, join(directory, "from"), to, ...names], {
          stdio: "inherit",
        });
        const before = readIndex(to).manifests.length;
        while (readIndex(to).manifests.length < before + round + 1) {
          await new Promise((resolve) => setImmediate(resolve));
          assert.ok(!writer.exitCode, "it failed");
        }
        writer.kill("SIGKILL");
        await once(writer, "close");
        assert.ok(openLayout(to).image("kept:1"));
      }
      await put(source, to, "one", "last:1");
      assert.ok(openLayout(to).image("last:1"));
      assert.deepEqual(readdirSync(to).sort(), ["blobs", "index.json", "oci-layout"]);
    }));
});

describe("a layout in the eyes of others", () => {
  test("is read by skopeo, which adds to it", { skip: missing("skopeo") }, () =>
    withSource(["one", "two"], async (source, to, directory) => {
      await put(source, to, "one", "a:1");
      await put(source, to, "two", "b:1");
      const skopeo = (...args: readonly string[]): string => execFileSync("skopeo", args, { encoding: "utf8" });
      assert.equal(JSON.parse(skopeo("inspect", `oci:${to}:1`)).Digest, source.image("one").target.digest);
      skopeo("copy", "-q", "--insecure-policy", `oci:${join(directory, "from")}:two`, `oci:${to}:theirs`);
      await put(source, to, "one", "c:1");
      const layout = openLayout(to);
      assert.equal(layout.image("theirs").target.digest, source.image("two").target.digest);
      assert.equal((await layout.images()).length, 4);
    }),
  );

  test("is read by umoci", { skip: missing("umoci") }, () =>
    withSource(["one"], async (source, to) => {
      await put(source, to, "one", "a:1");
      assert.equal(execFileSync("umoci", ["ls", "--layout", to], { encoding: "utf8" }).trim(), "1");
      const stat = JSON.parse(execFileSync("umoci", ["stat", "--json", "--image", `${to}:1`], { encoding: "utf8" }));
      assert.ok("history" in stat);
    }),
  );
});
