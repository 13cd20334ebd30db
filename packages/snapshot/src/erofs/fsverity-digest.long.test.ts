import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { fsverityDigest } from "./fsverity-digest.ts";

/** By the sizes of files of {@link pattern}, what fsverity-utils 1.5 says. */
const DIGESTS: readonly (readonly [sizeBytes: number, digest: string])[] = [
  [0, "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95"],
  [1, "b803429503d95915829b29fdbc8bbad142f3abfd11b1cadf5526582e685c0551"],
  [4096, "87a706bdba32be89a173dc11d6a91c08165b4dcfcf743988c94595e82934a41a"],
  [4097, "a4320d7c02e4663ab5e68f9c4104442b495b42611587610eeff876aa21e8c8bb"],
  [128 * 4096, "576e4054c203aa6b1289c14e6b30a2e80fab133e57ef28f679d7cbc179d3a4ff"],
  [128 * 4096 + 1, "224b5c7d7bce1476f46a7825f79169e3167141ca9fd7676f17ee6ed0c66511cd"],
  // The least that has three levels, and a little more.
  [128 * 128 * 4096 + 5, "b590b8f154bf526edcf959ad31fd68d60a0ab3ba683d6c4cb99964b889947509"],
];

/** Other bytes in each block of a MiB. */
function pattern(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(Math.min(sizeBytes, 1 << 20));
  for (let at = 0; at < bytes.length; at++) bytes[at] = at * 7 + (at >> 12) * 13;
  return sizeBytes > bytes.length ? Buffer.alloc(sizeBytes, bytes) : bytes;
}

suite("the digest of fs-verity", () => {
  for (const [sizeBytes, digest] of DIGESTS) {
    test(`of ${sizeBytes} bytes is what fsverity-utils say`, () =>
      withTemporaryDirectory(async (directory) => {
        const path = join(directory, "file");
        writeFileSync(path, pattern(sizeBytes));
        assert.equal(await fsverityDigest(path), `sha256:${digest}`);
      }));
  }

  test("of any file is what the installed fsverity says", (t) => {
    if (spawnSync("fsverity", ["--version"]).error !== undefined) return t.skip("needs fsverity (package fsverity)");
    return withTemporaryDirectory(async (directory) => {
      const path = join(directory, "file");
      for (const sizeBytes of [4095, 127 * 4096 + 1, 129 * 4096, 256 * 4096 - 1, 1_234_567]) {
        writeFileSync(path, pattern(sizeBytes));
        const [expected] = execFileSync("fsverity", ["digest", path], { encoding: "utf8" }).split(" ");
        assert.equal(await fsverityDigest(path), expected);
      }
    });
  });

  test("is not finished for who has given up", () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, "file");
      writeFileSync(path, "content");
      const reason = new Error("given up");
      await assert.rejects(fsverityDigest(path, AbortSignal.abort(reason)), reason);
    }));
});
