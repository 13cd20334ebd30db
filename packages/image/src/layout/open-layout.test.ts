import assert from "node:assert/strict";
import { appendFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type Annotations, type Descriptor, decodeIndex, parsePlatform } from "@orlop/core";
import { LayoutWriter, makeTar, withTemporaryDirectory } from "@orlop/testkit";
import { openLayout } from "./open-layout.ts";

const withLayout = (work: (layout: LayoutWriter) => Promise<void>): Promise<void> =>
  withTemporaryDirectory((directory) => work(new LayoutWriter(join(directory, "layout"))));

const REF = "org.opencontainers.image.ref.name";
const NAME = "io.containerd.image.name";

/** Images are told apart by their commands. */
function image(layout: LayoutWriter, id: string, annotations?: Annotations, platform = "linux/amd64"): Descriptor {
  const { platform: _, ...plain } = layout.manifest({ layers: [{ tar: makeTar([]) }], config: { Cmd: [id] } });
  return { ...plain, platform: parsePlatform(platform), ...(annotations === undefined ? {} : { annotations }) };
}

describe("the images of a layout", () => {
  test("have the names that containerd, skopeo and podman give them, or none", () =>
    withLayout(async (layout) => {
      const names: readonly (readonly [annotations: Annotations | undefined, name: string | undefined])[] = [
        [{ [NAME]: "docker.io/library/a:1", [REF]: "1" }, "docker.io/library/a:1"],
        [{ [REF]: "busybox:2" }, "docker.io/library/busybox:2"],
        [{ [REF]: "localhost/b" }, "localhost/b:latest"],
        [{ [REF]: "latest" }, undefined],
        [{ [REF]: "No/Name:" }, undefined],
        [undefined, undefined],
      ];
      layout.publish(names.map(([annotations], index) => image(layout, `${index}`, annotations)));
      const images = await openLayout(layout.directory).images();
      assert.deepEqual(
        images.map(({ name }) => name),
        names.map(([, name]) => name),
      );
      assert.ok(images.every(({ target }) => target.annotations === undefined));
    }));

  test("are found by label, name, tag or digest", () =>
    withLayout(async (layout) => {
      const [a, b, c] = [
        image(layout, "a", { [NAME]: "docker.io/library/a:1", [REF]: "1" }),
        image(layout, "b", { [REF]: "example.com/b:2" }),
        image(layout, "c", { [REF]: "edge" }),
      ];
      layout.publish([a, b, c]);
      const source = openLayout(layout.directory);
      const cases: readonly [string, Descriptor][] = [
        ["1", a],
        ["a:1", a],
        ["docker.io/library/a:1", a],
        ["example.com/b:2", b],
        ["2", b],
        ["edge", c],
        [`@${c.digest}`, c],
      ];
      for (const [wanted, { digest }] of cases) assert.equal(source.image(wanted).target.digest, digest, wanted);
      const known = "there are docker.io/library/a:1, example.com/b:2, edge";
      assert.throws(() => source.image("3"), {
        code: "not-found",
        message: new RegExp(`find image "3" in .*; ${known}\n`),
      });
      assert.throws(() => source.image(), { message: new RegExp(`it has several; ${known}\nTry one of them`) });
    }));

  test("are found without a name where there is one, or a latest one", () =>
    withLayout(async (layout) => {
      const [a, b] = [image(layout, "a", { [REF]: "x" }), image(layout, "b", { [REF]: "latest" })];
      layout.publish([a]);
      assert.equal(openLayout(layout.directory).image().target.digest, a.digest);
      layout.publish([a, { ...a, annotations: { [REF]: "y" } }]);
      assert.equal(openLayout(layout.directory).image().target.digest, a.digest);
      layout.publish([a, b]);
      assert.equal(openLayout(layout.directory).image().target.digest, b.digest);
      layout.publish([]);
      assert.throws(() => openLayout(layout.directory).image(), { code: "not-found", message: /it is empty/ });
      const [one, two] = ["one", "two"].map((id) => image(layout, id, { [REF]: "1", [NAME]: `example.com/${id}:1` }));
      layout.publish([one as Descriptor, two as Descriptor]);
      assert.throws(() => openLayout(layout.directory).image("1"), {
        message: /several are "1"; there are example.com/,
      });
    }));

  test("are one where members differ by their platforms alone", () =>
    withLayout(async (layout) => {
      const members = ["linux/amd64", "linux/arm64"].map((platform) =>
        image(layout, platform, { [REF]: "1" }, platform),
      );
      layout.publish(members);
      const source = openLayout(layout.directory);
      const { target } = source.image("1");
      const { manifests } = decodeIndex(await source.document(target));
      assert.deepEqual(
        manifests.map(({ digest }) => digest),
        members.map(({ digest }) => digest),
      );
      assert.deepEqual(openLayout(layout.directory).image().target, target);
      assert.equal(
        String(Buffer.concat(await Array.fromAsync(source.blob(target)))),
        String(await source.document(target)),
      );
    }));
});

describe("the content of a layout", () => {
  test("is verified where it is a document, and has the size that its descriptor says", () =>
    withLayout(async (layout) => {
      const manifest = layout.manifest({ layers: [{ tar: makeTar([]) }] });
      layout.publish([manifest]);
      const source = openLayout(layout.directory);
      const path = join(layout.directory, "blobs", ...manifest.digest.split(":"));
      const text = String(await source.document(manifest));
      writeFileSync(path, text.replace("schemaVersion", "schemaversion"));
      await assert.rejects(source.document(manifest), { code: "invalid", message: /its content hashes to/ });
      appendFileSync(path, " ");
      await assert.rejects(source.document(manifest), { code: "invalid", message: /its descriptor says/ });
      await assert.rejects(Array.fromAsync(source.blob(manifest)), { code: "invalid", message: /its descriptor says/ });
      rmSync(path);
      await assert.rejects(source.document(manifest), { code: "not-found", message: /does not hold it/ });
      const data = Buffer.from(text).toString("base64");
      assert.equal(String(await source.document({ ...manifest, data })), text);
    }));

  test("is not read where the signal has come", () =>
    withLayout(async (layout) => {
      const layer = layout.layer({
        tar: makeTar([{ path: "a", content: Buffer.alloc(1 << 20) }]),
        compression: "none",
      });
      layout.publish([]);
      const source = openLayout(layout.directory);
      const signal = AbortSignal.abort();
      await assert.rejects(Array.fromAsync(source.blob(layer, { signal })), { code: "cancelled" });
      const range = { offset: 0, length: 1 };
      assert.equal(String(await Array.fromAsync(source.blob(layer, { range }))), "a");
    }));

  test("is refused where it is no layout", () =>
    withLayout(async (layout) => {
      assert.throws(() => openLayout(layout.directory), { code: "not-found", message: /it has no index.json/ });
      writeFileSync(join(layout.directory, "oci-layout"), '{"imageLayoutVersion":"2.0.0"}');
      assert.throws(() => openLayout(layout.directory), { code: "invalid", message: /imageLayoutVersion/ });
      assert.throws(() => openLayout(join(layout.directory, "none")), { code: "not-found", message: /no oci-layout/ });
    }));
});
