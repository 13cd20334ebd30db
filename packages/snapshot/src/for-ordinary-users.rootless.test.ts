import assert from "node:assert/strict";
import { test } from "node:test";
import { temporaryDirectory } from "@orlop/testkit";
import { checkBtrfs } from "./btrfs/check-btrfs.ts";
import { checkSnapshotter } from "./check-snapshotter.ts";
import { openSnapshotter } from "./open-snapshotter.ts";

test("an ordinary user who names a snapshotter of root's is told of those that are for him", async () => {
  using place = temporaryDirectory("orlop-snapshot-");
  const named = { code: "unsupported", message: /an ordinary user .*\nTry overlay or native\.$/ };
  for (const name of ["blockfile", "devmapper:pool=pool"]) {
    const options = { directory: place.path, database: undefined as never };
    await assert.rejects(openSnapshotter(name, options), named, name);
  }
  assert.throws(() => checkBtrfs(place.path), named);
});

test("an ordinary user is refused what could be filled, and not mounted afterwards", () => {
  using place = temporaryDirectory("orlop-snapshot-");
  for (const name of ["erofs", "erofs:tar-index"]) {
    const message =
      `Cannot use snapshotter "${name}": the kernel mounts EROFS only for root of the machine, not in a user namespace\n` +
      "Try overlay or native.";
    assert.throws(() => checkSnapshotter(name, place.path), { code: "unsupported", message });
  }
  for (const name of ["blockfile", "devmapper:pool=pool", "btrfs"]) {
    assert.throws(() => checkSnapshotter(name, place.path), { code: "unsupported" }, name);
  }
  checkSnapshotter("native", place.path);
});
