import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { decodeImageConfig, decodeManifest, type ImageSource, type OfferedImage } from "@orlop/core";
import { LayoutWriter, makeTar, type TemporaryDirectory, temporaryDirectory } from "@orlop/testkit";
import { type DockerArchiveImage, dockerArchive, pack } from "./docker-archive-fixture.ts";
import { openImageArchive } from "./open-image-archive.ts";
import type { ArchiveInput } from "./seekable-archive.ts";

let scratch: TemporaryDirectory;
let copies: string;
let made = 0;
before(() => {
  scratch = temporaryDirectory();
  copies = join(scratch.path, "copies");
  mkdirSync(copies);
});
after(() => scratch[Symbol.dispose]());

const place = (): string => join(scratch.path, `${made++}`);
const tarOf = (text: string): Buffer => makeTar([{ path: "f", content: text }]);

/** The archives of an image's layers, and what its config says that the spec does not name. */
async function contentOf(source: ImageSource, { target }: OfferedImage): Promise<readonly unknown[]> {
  const manifest = decodeManifest(await source.document(target));
  const config = decodeImageConfig(await source.document(manifest.config));
  const layers = await Promise.all(manifest.layers.map((layer) => Array.fromAsync(source.blob(layer))));
  return [(config as { custom?: number }).custom, ...layers.map((chunks) => Buffer.concat(chunks))];
}

async function expectImages(
  input: ArchiveInput,
  expected: Readonly<Record<string, readonly unknown[]>>,
): Promise<void> {
  await using source = await openImageArchive(input, { temporaryDirectory: copies });
  const images = await source.images();
  assert.deepEqual(images.map(({ name }) => name).sort(), Object.keys(expected).sort());
  for (const image of images) assert.deepEqual(await contentOf(source, image), expected[image.name ?? ""]);
  assert.deepEqual(readdirSync(copies), [], "a copy was left behind");
}

const LAYERS = [tarOf("first"), tarOf("second")];
const IMAGES: readonly DockerArchiveImage[] = [
  { names: ["busybox:latest", "example.com/other:1"], layers: LAYERS.slice(0, 1) },
  { names: ["example/image:2"], layers: LAYERS },
];
const EXPECTED = {
  "docker.io/library/busybox:latest": [0, LAYERS[0]],
  "example.com/other:1": [0, LAYERS[0]],
  "docker.io/example/image:2": [1, ...LAYERS],
};

function missing(program: string): string | false {
  const found = (process.env.PATH ?? "").split(":").some((directory) => existsSync(join(directory, program)));
  return found ? false : `${program} is not installed`;
}

describe("an archive that docker wrote before it wrote layouts", () => {
  test("offers its images by all of their names, with layers that are links", async () => {
    await expectImages(dockerArchive(place(), IMAGES), EXPECTED);
  });

  test("has manifests made for it, always the same", async () => {
    const targets = async (): Promise<readonly string[]> => {
      await using source = await openImageArchive(dockerArchive(place(), IMAGES));
      return (await source.images()).map(({ target }) => target.digest);
    };
    const found = await targets();
    assert.deepEqual(await targets(), found);
    assert.equal(new Set(found).size, 2);
    assert.equal(found[2], "sha256:5b4df083e64e206ed89493f26d8011452eaad98394366a6a2c67eef39f2d405d");
  });

  test("may have compressed layers, and no names", async () => {
    const images = [{ names: null, layers: LAYERS, stored: gzipSync }];
    await using source = await openImageArchive(dockerArchive(place(), images));
    const [image] = await source.images();
    assert.ok(image !== undefined && image.name === undefined);
    assert.deepEqual(await contentOf(source, image), [0, ...LAYERS.map((layer) => gzipSync(layer))]);
    const { layers } = decodeManifest(await source.document(image.target));
    assert.match(layers[0]?.mediaType ?? "", /tar\+gzip$/);
  });

  test("is refused where it is not one", async () => {
    const broken = (edit: (manifest: { Config: unknown; Layers: unknown }[]) => unknown): string => {
      const directory = place();
      dockerArchive(directory, IMAGES);
      const path = join(directory, "manifest.json");
      writeFileSync(path, JSON.stringify(edit(JSON.parse(readFileSync(path, "utf8")))));
      return pack(directory);
    };
    const cases: readonly [archive: string, message: RegExp][] = [
      [broken(() => ({})), /its manifest.json is not as docker writes it/],
      [broken(([first]) => [{ ...first, Config: 5 }]), /its manifest.json is not as docker writes it/],
      [broken(([first]) => [{ ...first, Config: "none.json" }]), /it has no none.json/],
      [broken(([first]) => [{ ...first, Config: "../../etc/passwd" }]), /it has no ..\/..\/etc\/passwd/],
      [broken(([first]) => [{ ...first, Layers: ["gone"] }]), /it has no gone/],
      [broken(([first]) => [{ ...first, Layers: [] }]), /it has 0 layers and its config 1/],
    ];
    for (const [archive, message] of cases) await assert.rejects(openImageArchive(archive), message);
    const sparse = place();
    mkdirSync(sparse);
    writeFileSync(join(sparse, "manifest.json"), "");
    truncateSync(join(sparse, "manifest.json"), 1 << 20);
    const unsupported = { code: "unsupported", message: /manifest.json" in it is stored with holes/ };
    await assert.rejects(openImageArchive(pack(sparse, "--sparse")), unsupported);
  });
});

describe("an archive", () => {
  const compressors: readonly [program: string, ...args: string[]][] = [["gzip"], ["zstd", "-q"], ["xz"], ["bzip2"]];
  for (const [program, ...args] of compressors) {
    test(`may be compressed by ${program}, and may come through a pipe`, { skip: missing(program) }, async () => {
      const archive = dockerArchive(place(), IMAGES);
      const packed = `${archive}.packed`;
      const bytes = execFileSync(program, [...args, "-c"], { input: readFileSync(archive), maxBuffer: 1 << 24 });
      writeFileSync(packed, bytes);
      await expectImages(packed, EXPECTED);
      await expectImages(createReadStream(packed), EXPECTED);
    });
  }

  test("may come through a pipe, in pieces of any size, and by a FIFO's path", async () => {
    const archive = dockerArchive(place(), IMAGES);
    await expectImages(createReadStream(archive), EXPECTED);
    await expectImages(createReadStream(archive, { highWaterMark: 1 }), EXPECTED);
    const fifo = place();
    execFileSync("mkfifo", [fifo]);
    const opened = expectImages(fifo, EXPECTED);
    writeFileSync(fifo, readFileSync(archive));
    await opened;
  });

  test("may hold an image layout, and then keeps its manifests", async () => {
    const layout = new LayoutWriter(place());
    const layers = [{ tar: tarOf("one") }, { tar: tarOf("two"), compression: "zstd" as const }];
    const manifest = layout.manifest({ layers, tag: "example.com/a:1" });
    layout.publish([manifest]);
    for (const flags of [[], ["-z"], ["--format=pax"]]) {
      await using source = await openImageArchive(pack(layout.directory, ...flags), { temporaryDirectory: copies });
      const { name, target } = source.image();
      assert.equal(name, "example.com/a:1");
      assert.equal(target.digest, manifest.digest);
      assert.equal((await contentOf(source, { target })).length, 3);
    }
  });

  test("is refused where it is none, is cut, or is not there", async () => {
    const garbage = place();
    writeFileSync(garbage, "x".repeat(10_000));
    const message = new RegExp(`^Cannot read tar archive "${garbage}": `);
    await assert.rejects(openImageArchive(garbage), { code: "invalid", message });
    const empty = place();
    writeFileSync(empty, "");
    await assert.rejects(openImageArchive(empty), { code: "invalid", message: /no oci-layout and index.json/ });
    const cut = place();
    writeFileSync(cut, readFileSync(dockerArchive(place(), IMAGES)).subarray(0, 2000));
    await assert.rejects(openImageArchive(cut), { code: "invalid" });
    await assert.rejects(openImageArchive(place()), { code: "not-found", message: /Cannot read image archive/ });
    await assert.rejects(openImageArchive(scratch.path), { code: "invalid", message: /it is a directory/ });
    const packed = place();
    writeFileSync(packed, gzipSync(readFileSync(dockerArchive(place(), IMAGES))).subarray(0, 300));
    await assert.rejects(openImageArchive(packed, { temporaryDirectory: copies }), { code: "invalid" });
    assert.deepEqual(readdirSync(copies), []);
  });

  test("that comes through a pipe is waited for no longer than the signal says", async () => {
    const controller = new AbortController();
    const stalled = new ReadableStream<Buffer>();
    const opened = openImageArchive(stalled as AsyncIterable<Buffer>, {
      temporaryDirectory: copies,
      signal: controller.signal,
    });
    controller.abort();
    await assert.rejects(opened, { code: "cancelled" });
    assert.deepEqual(readdirSync(copies), []);
  });

  test("gives parts of its blobs", async () => {
    await using source = await openImageArchive(dockerArchive(place(), IMAGES));
    const { layers } = decodeManifest(await source.document(source.image("example/image:2").target));
    const layer = layers[1] ?? assert.fail();
    const range = { offset: 512, length: 6 };
    assert.equal(Buffer.concat(await Array.fromAsync(source.blob(layer, { range }))).toString(), "second");
    assert.deepEqual(await Array.fromAsync(source.blob(layer, { range: { offset: 9, length: 0 } })), []);
  });
});
