import assert from "node:assert/strict";
import { statfsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { fileSystemType, imageObstacle, upperObstacle } from "./store-file-system.ts";

test("the file system of a directory that is not there yet is that of what is above it", () =>
  withTemporaryDirectory(async (directory) => {
    assert.equal(fileSystemType(join(directory, "not/there")), statfsSync(directory).type);
  }));

test("overlay does not write to what lies on another overlay or on others' machines, and is told so by name", () => {
  const [overlay, nfs, ext4, tmpfs] = [0x794c_7630, 0x6969, 0xef53, 0x0102_1994];
  assert.match(upperObstacle(overlay) ?? "", /does not write to overlay, where images are kept/);
  assert.match(upperObstacle(nfs) ?? "", /NFS/);
  for (const type of [ext4, tmpfs]) assert.equal(upperObstacle(type), undefined);
  assert.match(imageObstacle(tmpfs) ?? "", /no images from memory/);
  assert.equal(imageObstacle(ext4), undefined);
});
