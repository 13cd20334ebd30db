import assert from "node:assert/strict";
import { chmodSync, lstatSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { temporaryDirectory } from "../temporary-directory.ts";
import { walkTree } from "../walk-tree.ts";
import { layerEntries, type SuiteEntry } from "./layer-entries.ts";
import type { SnapshotBench } from "./snapshot-bench.ts";
import type { SnapshotCase } from "./snapshot-case.ts";

/** Layers, the lowest first, for which a directory of the host is `outside`. */
type Attack = (outside: string) => readonly (readonly SuiteEntry[])[];

const hostile = { mode: 0o4777, uid: 1234, gid: 1234 };
const link = (path: string, target: string): SuiteEntry => ({ path, kind: "symlink", target });
const planted: readonly SuiteEntry[] = [
  { path: "a/", ...hostile },
  { path: "a/victim/", ...hostile },
  { path: "a/victim/deep/", ...hostile },
];
const moved = (entries: readonly SuiteEntry[], to: string): readonly SuiteEntry[] =>
  entries.map(({ path, ...rest }) => ({ ...rest, path: path.replace(/^a\//, to) }));

const attacks: Readonly<Record<string, Attack>> = {
  "a link replaces the parent of a directory": (outside) => [[...planted, link("a", outside)]],
  "a link of a later layer does": (outside) => [planted, [link("a", outside)]],
  "a link out by .. does": (outside) => [[...planted, link("a", `../../../../../../../../..${outside}`)]],
  "a file stands there in between": (outside) => [[...planted, { path: "a" }, link("a", outside)]],
  "a whiteout removes it first": (outside) => [planted, [{ path: ".wh.a" }, link("a", outside)]],
  "an opaque whiteout does": (outside) => [
    [{ path: "p/" }, ...moved(planted, "p/a/")],
    [{ path: "p/.wh..wh..opq" }, link("p/a", outside)],
  ],
  "a hard link to a link does": (outside) => [
    [...planted, link("l", outside), { path: "a", kind: "hard-link", target: "l" }],
  ],
  "the directory itself becomes a link": (outside) => [[...planted.slice(0, 2), link("a/victim", outside)]],
  "its directories came by way of a link inside": (outside) => [
    [{ path: "real/" }, link("way", "real"), ...moved(planted.slice(1), "way/"), link("real", outside)],
  ],
  "directories are described below a link out": (outside) => [[link("a", outside), ...planted.slice(1)]],
  "files are written through a link": (outside) => [
    [link("a", outside), { path: "a/victim/file", text: "theirs" }, { path: "a/new", text: "theirs" }],
  ],
  "files are written through a link of a layer below": (outside) => [
    [link("a", outside)],
    [{ path: "a/victim/file", text: "theirs", ...hostile }],
  ],
  "a file is written where a link stands": (outside) => [
    [link("file", join(outside, "victim/file")), { path: "file", text: "theirs", mode: 0o777 }],
  ],
  "whiteouts lie behind a link": (outside) => [
    [link("a", outside)],
    [{ path: "a/victim/.wh.file" }, { path: "a/.wh..wh..opq" }],
    [{ path: ".wh.a" }],
  ],
  "a hard link names its file": (outside) => [[{ path: "h", kind: "hard-link", target: join(outside, "victim/file") }]],
  "a hard link goes through a link to it": (outside) => [
    [link("l", outside), { path: "h", kind: "hard-link", target: "l/victim/file" }],
  ],
};

/** Everything in it that only its owner or root may change. */
function describeVictims(outside: string): readonly string[] {
  return ["", ...walkTree(outside)].sort().map((path) => {
    const { mode, uid, gid, mtimeMs, nlink } = lstatSync(join(outside, path));
    return `${path} ${mode.toString(8)} ${uid}:${gid} ${mtimeMs} ${nlink}`;
  });
}

function plantVictims(outside: string): void {
  mkdirSync(join(outside, "victim/deep"), { recursive: true });
  writeFileSync(join(outside, "victim/file"), "mine");
  for (const name of ["victim/file", "victim/deep", "victim", ""]) {
    chmodSync(join(outside, name), 0o750);
    utimesSync(join(outside, name), 1000, 1000);
  }
}

async function applyAll(bench: SnapshotBench, layers: readonly (readonly SuiteEntry[])[]): Promise<void> {
  let parent: string | undefined;
  for (const entries of layers) {
    const key = bench.key();
    await bench.snapshotter.prepare(key, parent);
    await bench.snapshotter.apply(key, layerEntries(entries));
    parent = `layer-${key}`;
    await bench.snapshotter.commit(parent, key);
  }
}

export const attackCases: readonly SnapshotCase[] = Object.entries(attacks).map(([how, layersFor]) => ({
  title: `leaves files of the host as they are when ${how}`,
  async check(bench) {
    using directory = temporaryDirectory();
    const outside = join(directory.path, "outside");
    plantVictims(outside);
    const before = describeVictims(outside);
    // It may refuse what it does not hold.
    await applyAll(bench, layersFor(outside)).catch((error) => assert.ok(error instanceof OrlopError, String(error)));
    assert.deepEqual(describeVictims(outside), before);
    assert.equal(readFileSync(join(outside, "victim/file"), "utf8"), "mine");
  },
}));
