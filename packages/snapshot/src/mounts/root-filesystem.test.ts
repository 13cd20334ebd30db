import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { RootFilesystem, SnapshotMount } from "@orlop/core";
import { bindMount, overlayMount } from "./overlay-mount.ts";
import { rootFilesystem } from "./root-filesystem.ts";

const image = (source: string): SnapshotMount => ({ type: "erofs", source, options: ["ro"] });
const overlay = (type: string, ...options: readonly string[]): SnapshotMount => ({ type, source: "overlay", options });

suite("mounts of a snapshot, as a root file system", () => {
  const cases: readonly (readonly [what: string, mounts: readonly SnapshotMount[], expected: RootFilesystem])[] = [
    ["a directory", [bindMount("/a", false)], { kind: "directory", path: "/a" }],
    [
      "a directory that nobody may change",
      [bindMount("/a", true)],
      { kind: "overlay", lower: ["/a"], writes: "discard" },
    ],
    [
      "directories, names with colons among them",
      [overlayMount({ lower: ["/a:b", "/c\\d"], writes: { upper: "/u", work: "/w" }, userxattr: true })],
      { kind: "overlay", lower: ["/a:b", "/c\\d"], writes: { upper: "/u", work: "/w" } },
    ],
    [
      "directories of containerd's overlayfs",
      [overlay("overlay", "index=off", "lowerdir=/b:/a")],
      { kind: "overlay", lower: ["/b", "/a"], writes: "discard" },
    ],
    [
      "directories that need no sync",
      [overlay("overlay", "volatile", "lowerdir=/a", "upperdir=/u", "workdir=/w")],
      { kind: "overlay", lower: ["/a"], writes: { upper: "/u", work: "/w", volatile: true } },
    ],
    ["one image", [image("/1")], { kind: "overlay", lower: [{ erofs: "/1" }], writes: "discard" }],
    [
      "images, as a range",
      [image("/2"), image("/1"), overlay("format/overlay", "lowerdir={{ overlay 0 1 }}", "upperdir=/u", "workdir=/w")],
      { kind: "overlay", lower: [{ erofs: "/2" }, { erofs: "/1" }], writes: { upper: "/u", work: "/w" } },
    ],
    [
      "images, in the other direction, beside single ones and directories",
      [
        image("/1"),
        image("/2"),
        image("/3"),
        overlay("format/mkdir/overlay", "X-containerd.mkdir.path=/u", "lowerdir={{ overlay 2 1 }}:/d:{{mount 0}}"),
      ],
      { kind: "overlay", lower: [{ erofs: "/3" }, { erofs: "/2" }, "/d", { erofs: "/1" }], writes: "discard" },
    ],
  ];
  for (const [what, mounts, expected] of cases) {
    test(`are ${what}`, () => {
      assert.deepEqual(rootFilesystem(mounts), expected);
    });
  }

  test("need no sync where what is written is thrown away", () => {
    const mounts = [overlay("overlay", "lowerdir=/a", "upperdir=/u", "workdir=/w")];
    const writes = { upper: "/u", work: "/w", volatile: true };
    assert.deepEqual(rootFilesystem(mounts, { volatile: true }), { kind: "overlay", lower: ["/a"], writes });
  });

  const refused: readonly (readonly [what: string, mounts: readonly SnapshotMount[], message: RegExp])[] = [
    ["none", [], /no mounts/],
    ["another type", [{ type: "fuse3.x", source: "/dev/x", options: [] }], /not told of mounts of this type/],
    ["a place below the root", [{ ...image("/1"), target: "/usr" }], /goes to "\/usr"/],
    ["an unknown option of overlay", [overlay("overlay", "lowerdir=/a", "xino=on")], /option "xino=on" is not known/],
    ["an unknown option of a bind mount", [{ type: "bind", source: "/a", options: ["nosuid"] }], /option "nosuid"/],
    ["an unknown option of an image", [{ ...image("/1"), options: ["dax"] }], /option "dax"/],
    ["two devices", [{ ...image("/1"), options: ["device=/x", "device=/y"] }], /more than two files/],
    ["an upper without work", [overlay("overlay", "lowerdir=/a", "upperdir=/u")], /only one/],
    ["no layers", [overlay("overlay", "upperdir=/u", "workdir=/w")], /no layers/],
    ["mounts that are not there", [image("/1"), overlay("format/overlay", "lowerdir={{ overlay 0 1 }}")], /not there/],
    ["half a range", [image("/1"), overlay("format/overlay", "lowerdir={{ overlay 0 }}")], /malformed/],
    ["mounts that nobody uses", [image("/2"), image("/1")], /does not use/],
    [
      "other mounts first",
      [bindMount("/a", true), overlay("format/overlay", "lowerdir={{ mount 0 }}")],
      /only those of/,
    ],
  ];
  for (const [what, mounts, message] of refused) {
    test(`are refused with ${what}`, () => {
      assert.throws(() => rootFilesystem(mounts), { name: "OrlopError", message });
    });
  }
});
