import assert from "node:assert/strict";
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { erofsObstacle, fileSystemType, imageObstacle } from "@orlop/snapshot";
import { makeTar } from "@orlop/testkit";
import { CommandFixture } from "../e2e/command-fixture.ts";

const obstacle = erofsObstacle() ?? imageObstacle(fileSystemType(tmpdir()));
const skip = obstacle === undefined ? false : `needs EROFS images: ${obstacle}`;

test("a layer that is damaged on the disk is found, and is whole again when its image is", { skip }, async () => {
  using fixture = new CommandFixture();
  const archive = join(fixture.directory, "root.tar");
  writeFileSync(archive, makeTar([{ path: "file", content: Buffer.alloc(300_000, "x") }]));
  const env = { ORLOP_SNAPSHOTTER: "erofs" };
  const orlop = (...args: readonly string[]) => fixture.orlop(args, { env });
  const check = async (): Promise<string> => {
    const { exitCode, stdout, stderr } = await orlop("system", "check");
    assert.equal(exitCode, 0, stderr);
    return stdout;
  };
  const pull = async (): Promise<string> => (await orlop("pull", "-q", `tar:${archive}`)).stdout.trim();
  assert.equal(await check(), "LAYER     STATE     SNAPSHOTTER   IMAGES\n");
  const digest = await pull();
  const id = (await orlop("images", "-q")).stdout.trim();
  const row = (state: string): RegExp => new RegExp(`^[0-9a-f]{12} +${state} +erofs +${id}$`, "m");
  assert.match(await check(), row("noted"));
  assert.match(await check(), row("sound"));

  const file = openSync(join(fixture.store, "snapshots/erofs/1/layer.erofs"), "r+");
  writeSync(file, "y", 100_000);
  closeSync(file);
  const found = await orlop("system", "check");
  assert.equal(found.exitCode, 1);
  assert.match(found.stdout, row("damaged"));
  assert.match(found.stderr, /^orlop: Cannot use layer "[0-9a-f]{12}": its file is not what it was\nTry orlop rm /);

  const removed = await orlop("rmi", id);
  assert.equal(removed.exitCode, 0, removed.stderr);
  assert.equal(await pull(), digest);
  assert.match(await check(), row("noted"));
});

test("snapshots that are directories are not checked, and are told so", async () => {
  using fixture = new CommandFixture();
  const archive = join(fixture.directory, "root.tar");
  writeFileSync(archive, makeTar([{ path: "file", content: "x" }]));
  const env = { ORLOP_SNAPSHOTTER: "native" };
  await fixture.orlop(["pull", "-q", `tar:${archive}`], { env });
  const { stdout } = await fixture.orlop(["system", "check"], { env });
  assert.match(stdout, /^[0-9a-f]{12} +not checked +native +[0-9a-f]{12}$/m);
  const refused = await fixture.orlop(["system", "check", "more"], { env });
  assert.match(refused.stderr, /takes no arguments/);
});
