import assert from "node:assert/strict";
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, beforeEach, describe, test } from "node:test";
import type { StoredLayer } from "@orlop/image";
import { type FixtureEntry, LayoutWriter, makeTar } from "@orlop/testkit";
import { unpackLayers } from "./unpack-layers.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const scratch = mkdtempSync(join(tmpdir(), "orlop-layer-"));
const outside = join(scratch, "outside");
const victims = ["", "victim", "victim/deep", "victim/file"];
let before: readonly string[] = [];

/** Everything of a file that only its owner or root may change. */
function describeFile(path: string): string {
  const { mode, uid, gid, mtimeMs } = lstatSync(path);
  return `${path} ${mode.toString(8)} ${uid}:${gid} ${mtimeMs}`;
}

const describeVictims = (): readonly string[] => victims.map((name) => describeFile(join(outside, name)));

beforeEach(() => {
  rmSync(outside, { recursive: true, force: true });
  mkdirSync(join(outside, "victim", "deep"), { recursive: true });
  writeFileSync(join(outside, "victim", "file"), "mine");
  for (const name of victims.toReversed()) {
    chownSync(join(outside, name), 4321, 4321);
    chmodSync(join(outside, name), 0o750);
    utimesSync(join(outside, name), 1000, 1000);
  }
  before = describeVictims();
});
after(() => rmSync(scratch, { recursive: true, force: true }));

/** Unpacks these layers as root does, and describes directories of the result. */
async function unpack(
  layers: readonly (readonly FixtureEntry[])[],
  paths: readonly string[] = [],
): Promise<readonly string[]> {
  const layout = new LayoutWriter(mkdtempSync(join(scratch, "layout-")));
  const archives = layers.map((entries) => makeTar(entries));
  const described = archives.map((tar, index): StoredLayer => {
    const { digest } = layout.layer({ tar, compression: "none" });
    return { name: `${index}`, diffId: digest, chunks: () => Readable.from([tar]) };
  });
  const directory = join(layout.directory, "rootfs");
  await unpackLayers(described, directory, { keepOwners: true });
  return paths.map((path) => {
    const { mode, uid, gid } = lstatSync(join(directory, path));
    return `${path} ${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
  });
}

const hostile = { type: "5", mode: 0o4777, uid: 1234, gid: 1234 };
const link: FixtureEntry = { path: "a", type: "2", target: outside };
const planted: readonly FixtureEntry[] = [
  { path: "a/", ...hostile },
  { path: "a/victim/", ...hostile },
  { path: "a/victim/deep/", ...hostile },
];

describe("a directory of the host keeps its owner, mode and time", { skip }, () => {
  const cases: readonly [how: string, layers: readonly (readonly FixtureEntry[])[]][] = [
    ["a link replaces the parent of a directory", [[...planted, link]]],
    ["a link of a later layer does", [planted, [link]]],
    ["a link out by .. does", [[...planted, { ...link, target: `../../../../../../../../..${outside}` }]]],
    ["a file stands there in between", [[...planted, { path: "a" }, link]]],
    ["a whiteout removes it first", [planted, [{ path: ".wh.a" }, link]]],
    [
      "an opaque whiteout does",
      [
        [{ path: "p/", type: "5" }, ...below(planted)],
        [{ path: "p/.wh..wh..opq" }, ...below([link])],
      ],
    ],
    ["a hard link to a link does", [[...planted, { ...link, path: "l" }, { path: "a", type: "1", target: "l" }]]],
    ["the directory itself becomes a link", [[...planted.slice(0, 2), { ...link, path: "a/victim" }]]],
    [
      "its directories came by way of a link inside",
      [
        [
          { path: "real/", ...hostile },
          { path: "way", type: "2", target: "real" },
          ...planted.slice(1).map(({ path, ...rest }) => ({ ...rest, path: path.replace("a/", "way/") })),
          { ...link, path: "real" },
        ],
      ],
    ],
    ["directories are described below a link out", [[link, ...planted.slice(1)]]],
  ];
  for (const [how, layers] of cases) {
    test(`when ${how}`, async () => {
      await unpack(layers);
      assert.deepEqual(describeVictims(), before);
    });
  }
});

function below(entries: readonly FixtureEntry[]): readonly FixtureEntry[] {
  return entries.map((entry) => ({ ...entry, path: `p/${entry.path}` }));
}

describe("a directory of the image", { skip }, () => {
  const directory = (path: string, mode: number, uid: number): FixtureEntry => ({
    path,
    type: "5",
    mode,
    uid,
    gid: uid,
  });

  test("has its owner and mode, whichever way it was named", async () => {
    const layer = [
      directory("./", 0o711, 5),
      directory("a/", 0o500, 6),
      directory("a/b/", 0o3770, 7),
      { path: "way", type: "2", target: "/a" },
      directory("way/c/", 0o1777, 8),
    ];
    assert.deepEqual(await unpack([layer], ["", "a", "a/b", "a/c"]), [
      " 711 5:5",
      "a 500 6:6",
      "a/b 3770 7:7",
      "a/c 1777 8:8",
    ]);
  });

  test("has nothing of one that stood there before", async () => {
    const first = [directory("a/", 0o700, 6), directory("a/b/", 0o4777, 6)];
    const second = [{ path: "a" }, { path: "a/b/file", content: "" }];
    await assert.rejects(unpack([second]), /ENOTDIR/);
    const third = [{ path: ".wh.a" }, { path: "a/b/file", content: "" }];
    assert.deepEqual(await unpack([first, [{ path: ".wh.a" }], third], ["a", "a/b"]), ["a 755 0:0", "a/b 755 0:0"]);
  });

  test("is what the last layer says, and stays as it was where that says nothing", async () => {
    const layers = [
      [directory("a/", 0o700, 6), directory("b/", 0o711, 6)],
      [directory("a/", 0o750, 7), { path: "b/x" }],
    ];
    assert.deepEqual(await unpack(layers, ["a", "b"]), ["a 750 7:7", "b 711 6:6"]);
  });
});
