import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "@orlop/testkit";
import { fittingSnapshotter } from "./fitting-snapshotter.ts";
import { fileSystemObstacle } from "./snapshotter-fixture.ts";

test("on another overlay there are copies, and in memory directories", (t) => {
  const obstacle = fileSystemObstacle("overlay");
  if (obstacle !== undefined) return t.skip(obstacle);
  using directory = temporaryDirectory("orlop-fitting-", "/run");
  using mounts = new DisposableStack();
  const mount = (target: string, ...args: readonly string[]): void => {
    execFileSync("mount", [...args, target]);
    mounts.defer(() => execFileSync("umount", [target]));
  };
  mount(directory.path, "-t", "tmpfs", "tmpfs");
  assert.equal(fittingSnapshotter(directory.path), "overlay");
  const [lower, upper, work, merged] = ["lower", "upper", "work", "merged"].map((name) => join(directory.path, name));
  for (const each of [lower, upper, work, merged]) mkdirSync(each ?? "");
  mount(merged ?? "", "-t", "overlay", "overlay", "-o", `lowerdir=${lower},upperdir=${upper},workdir=${work}`);
  assert.equal(fittingSnapshotter(join(merged ?? "", "not/there")), "native");
});
