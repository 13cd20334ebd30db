import assert from "node:assert/strict";
import { test } from "node:test";
import { erofsObstacle } from "./erofs-support.ts";

const facts = {
  release: "6.12.3-amd64",
  filesystems: "nodev\ttmpfs\n\terofs\n",
  modules: "",
  uidMap: "         0          0 4294967295\n",
};

test("images can be mounted where the kernel is new enough, has the file system, and we are root of the machine", () => {
  assert.equal(erofsObstacle(facts), undefined);
  assert.equal(erofsObstacle({ ...facts, release: "7.0.0" }), undefined);
  const asModule = { filesystems: "", modules: "kernel/fs/erofs/erofs.ko.xz: kernel/lib/lz4.ko\n" };
  assert.equal(erofsObstacle({ ...facts, ...asModule }), undefined);
  assert.match(erofsObstacle({ ...facts, release: "6.1.0-44-amd64" }) ?? "", /older than 6.12/);
  assert.match(erofsObstacle({ ...facts, filesystems: "nodev\toverlay\n" }) ?? "", /no erofs/);
  assert.match(erofsObstacle({ ...facts, uidMap: "0 100000 65536" }) ?? "", /not root of the machine/);
});
