import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { readTar } from "@orlop/image";
import { type FixtureEntry, makeTar, withTemporaryDirectory } from "@orlop/testkit";
import { archivedEntries } from "./archived-entries-fixture.ts";
import { writeErofs } from "./write-erofs.ts";

const { error, stdout } = spawnSync("fsck.erofs", ["-V"], { encoding: "utf8" });
const obstacle = error === undefined ? false : "not installed: erofs-utils";
/** Blocks of 512 bytes are known from 1.6 on, and how to name a device. */
const oldObstacle = obstacle || (/ 1\.[0-5]\b/.test(stdout) ? "needs erofs-utils 1.6" : false);

async function* inPieces(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function write(
  path: string,
  entries: readonly FixtureEntry[],
  { pieceBytes = 10_000, archive }: { readonly pieceBytes?: number; readonly archive?: string } = {},
): Promise<void> {
  await writeErofs(path, archivedEntries(inPieces(makeTar(entries), pieceBytes)), { archive });
}

const sizes = [0, 1, 100, 2048, 2049, 4095, 4096, 4097, 8192, 10_000, 262_143, 262_144, 300_000];
const entries: readonly FixtureEntry[] = [
  { path: "./", type: "5", mode: 0o711 },
  ...sizes.map((size) => ({ path: `size-${size}`, content: Buffer.alloc(size, "orlop") })),
  { path: "zeros", content: Buffer.alloc(1_000_000) },
  { path: "links/", type: "5" },
  ...Array.from({ length: 400 }, (_, index) => ({ path: `links/${index}`, type: "2", target: "x".repeat(index) })),
  { path: "tty", type: "3", device: [5, 300] },
  { path: "pipe", type: "6" },
  { path: "same", type: "1", target: "size-100" },
  {
    path: "labelled",
    pax: { "SCHILY.xattr.user.a": "b", "SCHILY.xattr.security.capability": Buffer.from([1, 0, 255]) },
  },
  { path: ".wh.gone" },
];

suite("an EROFS image", () => {
  test("is sound for fsck.erofs, whatever it holds", { skip: obstacle }, () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, "image");
      for (const contents of [[], entries]) {
        await write(path, contents);
        execFileSync("fsck.erofs", ["--extract", path], { stdio: "pipe" });
        execFileSync("rm", [path]);
      }
    }),
  );

  test("is sound for fsck.erofs as the index of an archive, too", { skip: oldObstacle }, () =>
    withTemporaryDirectory(async (directory) => {
      const [path, archive] = [join(directory, "index"), join(directory, "archive.tar")];
      for (const contents of [[], entries]) {
        await write(path, contents, { archive });
        execFileSync("fsck.erofs", [`--device=${archive}`, "--extract", path], { stdio: "pipe" });
        execFileSync("rm", [path, archive]);
      }
    }),
  );

  test("is the same for the same entries, however they arrive", () =>
    withTemporaryDirectory(async (directory) => {
      for (const form of ["whole", "index"]) {
        const hashes = [];
        for (const pieceBytes of [512, 999, 1 << 20]) {
          const path = join(directory, `${form}-${pieceBytes}`);
          await write(path, entries, { pieceBytes, ...(form === "index" ? { archive: `${path}.tar` } : {}) });
          hashes.push(createHash("sha256").update(readFileSync(path)).digest("hex"));
        }
        if (form === "whole") {
          const path = join(directory, "of-what-is-not-lent");
          await writeErofs(path, readTar(inPieces(makeTar(entries), 1 << 20)));
          hashes.push(createHash("sha256").update(readFileSync(path)).digest("hex"));
        }
        assert.equal(new Set(hashes).size, 1);
      }
    }));

  test("does not keep zeros", () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, "image");
      await write(path, [{ path: "f", content: Buffer.alloc(64 << 20) }]);
      assert.ok(readFileSync(path).length < 64 << 10);
    }));

  test("leaves nothing when its entries end in an error, and nothing else in the way of its file", () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, "image");
      await assert.rejects(write(path, [...entries, { path: "../x" }]), { code: "invalid" });
      const archive = join(directory, "archive.tar");
      await assert.rejects(write(path, [...entries, { path: "../x" }], { archive }), { code: "invalid" });
      await assert.rejects(writeErofs(path, readTar(inPieces(makeTar(entries).subarray(0, 20_000), 5000))), /ends in/);
      assert.deepEqual(readdirSync(directory), []);
      writeFileSync(path, "mine");
      await assert.rejects(write(path, entries), { code: "EEXIST" });
      await assert.rejects(write(path, entries, { archive }), { code: "EEXIST" });
      assert.equal(existsSync(archive), false);
      await assert.rejects(write(archive, entries, { archive: path }), { code: "EEXIST" });
      assert.equal(existsSync(archive), false);
      assert.equal(existsSync(`${path}.tails`), false);
      assert.equal(readFileSync(path, "utf8"), "mine");
    }));
});
