import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { readTar } from "@orlop/image";
import { type FixtureEntry, makeTar, withTemporaryDirectory } from "@orlop/testkit";
import { writeErofs } from "../erofs/write-erofs.ts";
import { LayeredFiles } from "./layered-files.ts";

const MAX_BYTES = 10_000_000;

/** Layers are given the lowest first. */
async function withFiles(
  layers: readonly (readonly FixtureEntry[])[],
  check: (read: (path: string) => string | undefined, files: LayeredFiles) => void,
): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const paths: string[] = [];
    for (const [index, entries] of layers.entries()) {
      async function* archive(): AsyncGenerator<Buffer> {
        yield makeTar(entries);
      }
      const path = join(directory, `${index}`);
      await writeErofs(path, readTar(archive()));
      paths.unshift(path);
    }
    using files = new LayeredFiles(paths.map((path) => ({ erofs: path })));
    check((path) => files.readFile(path, MAX_BYTES)?.toString(), files);
  });
}

suite("files of layers", () => {
  test("are read whatever their size, in directories of any", () => {
    const sizes = [0, 1, 2048, 2049, 4096, 5000, 262_144, 1_000_001];
    const holes = Buffer.concat([Buffer.alloc(200_000), Buffer.from("x"), Buffer.alloc(400_000), Buffer.from("y")]);
    const entries = [
      ...sizes.map((size) => ({ path: `d/${size}`, content: Buffer.alloc(size, `${size}-`) })),
      ...Array.from({ length: 1000 }, (_, index) => ({ path: `d/some-name-${index}`, content: `${index}` })),
      { path: "holes", content: holes, pax: { "SCHILY.xattr.user.a": "b" } },
    ];
    return withFiles([entries], (read) => {
      for (const size of sizes) assert.equal(read(`/d/${size}`), Buffer.alloc(size, `${size}-`).toString(), `${size}`);
      for (const index of [0, 1, 499, 998, 999]) assert.equal(read(`d/some-name-${index}`), `${index}`);
      assert.equal(read("holes"), holes.toString());
      assert.equal(read("d/some-name-1000"), undefined);
      assert.equal(read("d"), undefined);
    });
  });

  test("are those of the uppermost layer that has them, unless one above hides them", () =>
    withFiles(
      [
        [
          { path: "a", content: "lower" },
          { path: "b", content: "lower" },
          { path: "gone", content: "lower" },
          { path: "d/x", content: "lower" },
          { path: "e/x", content: "lower" },
          { path: "file/x", content: "lower" },
          { path: "f", content: "lower" },
        ],
        [
          { path: "a", content: "upper" },
          { path: ".wh.gone" },
          { path: "d/.wh..wh..opq" },
          { path: "d/y", content: "upper" },
          { path: "e/y", content: "upper" },
          { path: "file", content: "upper" },
          { path: "f/x", content: "upper" },
        ],
      ],
      (read) => {
        const paths = ["a", "b", "gone", "d/x", "d/y", "e/x", "e/y", "file/x", "f", "f/x"];
        const expected = [
          "upper",
          "lower",
          undefined,
          undefined,
          "upper",
          "lower",
          "upper",
          undefined,
          undefined,
          "upper",
        ];
        assert.deepEqual(paths.map(read), expected);
      },
    ));

  test("are found through links, which do not lead out", () =>
    withFiles(
      [
        [
          { path: "usr/etc/passwd", content: "root" },
          { path: "etc", type: "2", target: "../../usr/./etc" },
          { path: "abs", type: "2", target: "/usr/etc/passwd" },
          { path: "circle", type: "2", target: "circle" },
        ],
        [{ path: "usr/etc/group", content: "wheel" }],
      ],
      (read) => {
        assert.deepEqual(["etc/passwd", "/abs", "etc/group", "../../usr/etc/passwd", "circle"].map(read), [
          "root",
          "root",
          "wheel",
          "root",
          undefined,
        ]);
      },
    ));

  test("are not read beyond a limit, and not from another file", () =>
    withFiles([[{ path: "f", content: "12345" }]], (_, files) => {
      assert.throws(() => files.readFile("f", 4), { code: "exhausted" });
      assert.equal(files.readFile("f", 5)?.toString(), "12345");
    }));

  test("need images that are whole", () =>
    withTemporaryDirectory((directory) => {
      const path = join(directory, "image");
      for (const content of [Buffer.alloc(0), Buffer.alloc(8192)]) {
        writeFileSync(path, content);
        assert.throws(() => new LayeredFiles([path].map((path) => ({ erofs: path }))), { code: "invalid" });
      }
    }));
});
