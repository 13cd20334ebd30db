import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bytesOf, makeTestBlob, temporaryDirectory } from "@orlop/testkit";
import { openStore } from "./open-store.ts";
import { storeBlob } from "./store-fixture.ts";

const DISK_BYTES = 4 * 1024 * 1024;

test("a disk that is full at any moment leaves the store usable", async () => {
  using parent = temporaryDirectory("orlop-full-disk-", "/run");
  const root = parent.path;
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "orlop-test", root]);
  try {
    const [small, large] = [makeTestBlob("fits", 1000), makeTestBlob("large", 2_000_000)];
    using store = openStore(root);
    const { content } = store;
    await storeBlob(content, small);
    const ballast = join(root, "ballast");
    const free = (): number => statfsSync(root).bavail * 4096;
    for (let left = 0; left < large.size; left += 65_536 * 3) {
      writeFileSync(ballast, Buffer.alloc(free() - left));
      await assert.rejects(storeBlob(content, large), { code: "exhausted", message: /no space left on device/ });
      assert.equal(await content.has(large.digest), false);
      assert.ok((await bytesOf(content.read(small.digest))).equals(small.bytes));
      rmSync(ballast);
    }
    await storeBlob(content, large);
    assert.ok((await bytesOf(content.read(large.digest))).equals(large.bytes));
  } finally {
    execFileSync("umount", [root]);
  }
});
