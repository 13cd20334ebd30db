import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { walkTree } from "@orlop/testkit";
import { CollectFixture, makeTestImage } from "./collect-fixture.ts";
import { collectGarbage } from "./collect-garbage.ts";

const ROUNDS = Number(process.env.ORLOP_FUZZ_RUNS ?? 1000) < 1000 ? 15 : 100;

async function runChild(root: string, seed: number, end: "ends" | "killed"): Promise<void> {
  const file = new URL("./stress-fixture.ts", import.meta.url).pathname;
  const args = ["-C", "source", file, root, String(seed), String(ROUNDS), end];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  const [exitCode, signal] = await once(child, "exit");
  assert.equal(exitCode ?? signal, end === "ends" ? 0 : "SIGKILL");
}

test("of what several processes pull, remove, collect and run nothing in use goes, and nothing else stays", async () => {
  using fixture = new CollectFixture();
  const { root, store, fake } = fixture;
  await Promise.all([runChild(root, 1, "ends"), runChild(root, 2, "ends"), runChild(root, 3, "killed")]);
  await collectGarbage(fixture, { leftoverAgeMs: 0 });
  const images = ["a1", "a2", "b1", "b2"].map(makeTestImage);
  const expected = new Set<string>();
  for (const { target } of await store.images.list()) {
    const image = images.find(({ manifest }) => manifest.digest === target.digest);
    assert.ok(image !== undefined);
    assert.deepEqual(await fixture.missing(image), []);
    for (const { digest } of [image.manifest, image.config, ...image.layers]) expected.add(digest);
    for (const key of image.chain) expected.add(key);
  }
  const there = [...store.content.rows().map(({ digest }) => digest), ...fake.records().map(({ key }) => key)];
  assert.deepEqual(there.sort(), [...expected].sort());
  assert.deepEqual(await store.leases.list(), []);
  assert.equal(fake.files().length, fake.records().length);
  const files = [...walkTree(join(root, "content"))].filter((path) => /sha256[-/]/.test(path));
  assert.equal(files.length, store.content.rows().length);
});
