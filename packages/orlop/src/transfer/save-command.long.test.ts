import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeTar } from "@orlop/testkit";
import { CommandFixture, type CommandResult, LAUNCHER } from "../e2e/command-fixture.ts";
import { Depot } from "../store/open-depot.ts";

test("an image of packages, whose name no registry could have, is saved without a name", async () => {
  using fixture = new CommandFixture();
  const root = join(fixture.directory, "root.tar");
  writeFileSync(root, makeTar([{ path: "file", content: "x" }]));
  const digest = (await fixture.orlop(["pull", "-q", `tar:${root}`])).stdout.trim();
  const name = "debian:bookworm?packages=dash";
  {
    await using depot = new Depot(fixture.store);
    const [record] = await depot.images.list();
    assert.equal(record?.name, digest);
    await depot.images.put(name, record.target);
  }
  const archive = join(fixture.directory, "saved.tar");
  const { exitCode, stderr } = await fixture.orlop(["save", "-q", "-o", archive, name]);
  assert.equal(exitCode, 0, stderr);
  assert.match(
    stderr,
    /^orlop: warning: the image has no name in the archive, as 'debian:.*' is no name of a registry/,
  );
  const manifest: unknown = JSON.parse(execFileSync("tar", ["-xOf", archive, "manifest.json"], { encoding: "utf8" }));
  assert.deepEqual((manifest as readonly { RepoTags: unknown }[])[0]?.RepoTags ?? [], []);
  const loaded = await fixture.orlop(["load", "-q", "-i", archive]);
  assert.match(loaded.stdout, /^Loaded image ID: sha256:[0-9a-f]{64}\n$/, loaded.stderr);
});

test("what cannot be written ends with the reason, and nobody who watches is no reason", async () => {
  using fixture = new CommandFixture();
  const root = join(fixture.directory, "root.tar");
  writeFileSync(root, makeTar([{ path: "file", content: "x".repeat(1_000_000) }]));
  const digest = (await fixture.orlop(["pull", "-q", `tar:${root}`])).stdout.trim();
  const shell = (line: string): Promise<CommandResult> => fixture.start("sh", ["-c", line, LAUNCHER, digest]);

  const full = await shell('"$0" save "$1" > /dev/full');
  const noSpace = "no space left on device";
  assert.equal(full.stderr, `orlop: Cannot write image archive to standard output: ${noSpace}\n`);
  assert.equal(full.exitCode, 1);
  const unread = await shell('{ "$0" save "$1"; echo $? >&2; } | true');
  assert.equal(unread.stderr, "orlop: Cannot write image archive to standard output: broken pipe\n1\n");
  const list = await shell('"$0" images > /dev/full');
  assert.deepEqual(list.stderr, `orlop: Cannot write to standard output: ${noSpace}\n`);
  assert.equal(list.exitCode, 1);
  assert.equal((await shell('"$0" rmi nothing 2> /dev/full')).exitCode, 1);
  assert.equal((await shell('"$0" save -o saved.tar "$1" 2> /dev/full')).exitCode, 0);
});
