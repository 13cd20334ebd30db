import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { readTar } from "@orlop/image";
import { type FixtureEntry, makeTar, withTemporaryDirectory } from "@orlop/testkit";
import { writeErofs } from "./write-erofs.ts";

const obstacle = spawnSync("fsck.erofs", ["-V"]).error === undefined ? false : "not installed: erofs-utils";

async function* inPieces(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function write(path: string, entries: readonly FixtureEntry[], pieceBytes = 10_000): Promise<void> {
  await writeErofs(path, readTar(inPieces(makeTar(entries), pieceBytes)));
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

  test("is the same for the same entries, however they arrive", () =>
    withTemporaryDirectory(async (directory) => {
      const hashes = [];
      for (const pieceBytes of [512, 999, 1 << 20]) {
        const path = join(directory, `${pieceBytes}`);
        await write(path, entries, pieceBytes);
        hashes.push(createHash("sha256").update(readFileSync(path)).digest("hex"));
      }
      assert.equal(new Set(hashes).size, 1);
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
      await assert.rejects(writeErofs(path, readTar(inPieces(makeTar(entries).subarray(0, 20_000), 5000))), /ends in/);
      assert.deepEqual(readdirSync(directory), []);
      writeFileSync(path, "mine");
      await assert.rejects(write(path, entries), { code: "EEXIST" });
      assert.equal(existsSync(`${path}.tails`), false);
      assert.equal(readFileSync(path, "utf8"), "mine");
    }));
});
