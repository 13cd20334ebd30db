import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { TarEntry } from "@orlop/image";
import { readTar, writeTar } from "@orlop/image";
import { RootDirectory } from "@orlop/snapshot/root-directory";
import { type TemporaryDirectory, temporaryDirectory } from "@orlop/testkit";
import { parseCopyPath } from "./copy-path.ts";
import { copyTo, openSource, unpackTo } from "./copy-tree.ts";
import { treePlace } from "./tree-place.ts";
import { TreeWriter } from "./tree-writer.ts";

let directory: TemporaryDirectory;
/** A container's root, and what is beside it. */
let [box, outside] = ["", ""];

beforeEach(() => {
  directory = temporaryDirectory();
  box = join(directory.path, "box");
  outside = join(directory.path, "outside");
  for (const path of [box, outside, join(box, "etc"), join(box, "data")]) mkdirSync(path);
  writeFileSync(join(box, "etc/conf"), "text", { mode: 0o640 });
  writeFileSync(join(outside, "secret"), "secret");
});
afterEach(() => directory[Symbol.dispose]());

async function copyBetween(from: string, path: string, to: string, target: string, follows = false): Promise<void> {
  using source = new RootDirectory(from);
  using destination = new RootDirectory(to);
  const opened = openSource(treePlace(source, path, "no source"), { follows, ownIsRoot: false });
  const options = { keepsOwners: false, followsInTree: to === box };
  await copyTo(treePlace(destination, target, "no target"), opened, options);
}

describe("a copy", () => {
  test("of a file goes into a directory, over a file, or to a new name", async () => {
    await copyBetween(box, "/etc/conf", outside, "/");
    await copyBetween(box, "/etc/conf", outside, "/secret");
    await copyBetween(box, "/etc/conf", outside, "/other");
    for (const name of ["conf", "secret", "other"]) assert.equal(readFileSync(join(outside, name), "utf8"), "text");
    assert.equal(statSync(join(outside, "conf")).mode & 0o777, 0o640);
    await assert.rejects(copyBetween(box, "/etc/conf", outside, "/none/"), { message: "no target" });
    await assert.rejects(copyBetween(box, "/etc/conf", outside, "/none/other"), { message: "no target" });
    await assert.rejects(copyBetween(box, "/etc/none", outside, "/"), { message: "no source" });
  });

  test("of a directory goes into one, or is what is to be there; with /. its content does", async () => {
    linkSync(join(box, "etc/conf"), join(box, "etc/same"));
    symlinkSync("conf", join(box, "etc/link"));
    utimesSync(join(box, "etc"), 1_000_000_000, 1_000_000_000);
    await copyBetween(box, "/etc", outside, "/");
    await copyBetween(box, "/etc", outside, "/new");
    await copyBetween(box, "/etc/.", outside, "/.");
    for (const at of ["etc", "new", "."]) {
      assert.equal(readlinkSync(join(outside, at, "link")), "conf");
      assert.equal(statSync(join(outside, at, "same")).ino, statSync(join(outside, at, "conf")).ino);
    }
    assert.equal(statSync(join(outside, "etc")).mtimeMs, 1_000_000_000_000);
    await assert.rejects(copyBetween(box, "/etc", outside, "/secret"), { message: "cannot copy directory" });
    await assert.rejects(copyBetween(box, "/etc/conf/", outside, "/"), { message: /not a directory/ });
  });

  test("of a directory has its FIFOs, with their modes and times, and what comes behind them", async () => {
    assert.equal(spawnSync("mkfifo", ["-m", "622", join(box, "data/fifo")]).status, 0);
    lutimesSync(join(box, "data/fifo"), 1_000_000_000, 1_000_000_000);
    writeFileSync(join(box, "data/zebra"), "text");
    await copyBetween(box, "/data", outside, "/");
    const stat = lstatSync(join(outside, "data/fifo"));
    assert.deepEqual([stat.isFIFO(), stat.mode & 0o777, stat.mtimeMs], [true, 0o622, 1_000_000_000_000]);
    assert.equal(readFileSync(join(outside, "data/zebra"), "utf8"), "text");
  });

  test("does not put a file in a directory's place, or the other way round", async () => {
    mkdirSync(join(outside, "conf"));
    await assert.rejects(copyBetween(box, "/etc/conf", outside, "/"), { message: /cannot overwrite directory/ });
    writeFileSync(join(outside, "etc"), "");
    await assert.rejects(copyBetween(box, "/etc", outside, "/"), { message: /cannot overwrite non-directory/ });
  });

  test("of a link is a link, unless it is to be followed", async () => {
    symlinkSync("etc/conf", join(box, "link"));
    await copyBetween(box, "/link", outside, "/");
    assert.equal(readlinkSync(join(outside, "link")), "etc/conf");
    rmSync(join(outside, "link"));
    await copyBetween(box, "/link", outside, "/", true);
    assert.equal(readFileSync(join(outside, "link"), "utf8"), "text");
  });
});

describe("no link leads out", () => {
  test("of a container that is read", async () => {
    symlinkSync(outside, join(box, "out"));
    symlinkSync("../../../../../../etc", join(box, "etc/up"));
    await assert.rejects(copyBetween(box, "/out/secret", outside, "/copied"), { message: "no source" });
    await copyBetween(box, "/etc/up/conf", outside, "/copied");
    assert.equal(readFileSync(join(outside, "copied"), "utf8"), "text");
    await assert.rejects(copyBetween(box, "/out", outside, "/copied2", true), { message: "no source" });
  });

  test("of a container that is written to", async () => {
    symlinkSync(outside, join(box, "out"));
    symlinkSync("/data", join(box, "in"));
    symlinkSync(join(outside, "secret"), join(box, "file"));
    await assert.rejects(copyBetween(outside, "/secret", box, "/out/x"), { message: "no target" });
    await copyBetween(outside, "/secret", box, "/in/x");
    assert.equal(readFileSync(join(box, "data/x"), "utf8"), "secret");
    await assert.rejects(copyBetween(box, "/etc/conf", box, "/file"), { message: "no target" });
    assert.equal(readFileSync(join(outside, "secret"), "utf8"), "secret");
    assert.deepEqual(readdirSync(outside), ["secret"]);
  });

  test("not one that is put there between look-up and use (CVE-2018-15664)", async () => {
    using root = new RootDirectory(box);
    using writer = new TreeWriter(root, { base: "/data", keepsOwners: false });
    const swapped: TarEntry = {
      kind: "file",
      path: "x",
      mode: 0o644,
      size: 1,
      // Its directory was found already, and the file is open.
      async *content() {
        renameSync(join(box, "data"), join(box, "moved"));
        symlinkSync(outside, join(box, "data"));
        yield Buffer.from("1");
      },
    };
    await writer.write(swapped);
    assert.equal(readFileSync(join(box, "moved/x"), "utf8"), "1");
    await assert.rejects(writer.write({ kind: "file", path: "y", mode: 0o644, size: 0 }), { code: "conflict" });
    assert.deepEqual(readdirSync(outside), ["secret"]);
  });

  test("none that comes with an archive, and no path", async () => {
    using root = new RootDirectory(box);
    const place = treePlace(root, "/data", "no target");
    const unpack = async (...entries: readonly TarEntry[]) =>
      await unpackTo(place, readTar(writeTar(entries)), { keepsOwners: false, followsInTree: false });
    const file = (path: string): TarEntry => ({
      kind: "file",
      path,
      mode: 0o644,
      size: 1,
      content: () => [Buffer.from("x")],
    });
    const link: TarEntry = { kind: "symlink", path: "out", mode: 0o777, target: outside };
    await assert.rejects(unpack(link, file("out/planted")), { message: /the link there leads nowhere in its tree/ });
    assert.equal(existsSync(join(outside, "planted")), false);
    await assert.rejects(unpack(file("../planted")), { code: "invalid", message: /leads out of its archive/ });
    await assert.rejects(unpack({ kind: "hard-link", path: "h", mode: 0o644, target: "../etc/conf" }), {
      code: "invalid",
    });
    await assert.rejects(unpack({ kind: "hard-link", path: "h", mode: 0o644, target: "out/secret" }), {
      code: "ENOENT",
    });
    await assert.rejects(unpack({ kind: "character-device", path: "null", mode: 0o666 }), { code: "unsupported" });
    assert.deepEqual(readdirSync(outside), ["secret"]);
    assert.equal(lstatSync(join(box, "data/out")).isSymbolicLink(), true);
  });
});

test("a path is a container's where a name and a colon stand before it", () => {
  assert.deepEqual(parseCopyPath("box:/etc"), { container: "box", path: "/etc", isStream: false });
  assert.deepEqual(parseCopyPath("./a:b"), { path: "./a:b", isStream: false });
  assert.deepEqual(parseCopyPath("/a:b"), { path: "/a:b", isStream: false });
  assert.deepEqual(parseCopyPath("-"), { path: "-", isStream: true });
});
