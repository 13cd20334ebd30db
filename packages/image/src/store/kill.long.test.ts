import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bytesOf, makeTestBlob, temporaryDirectory, walkTree } from "@orlop/testkit";
import { openStore } from "./open-store.ts";
import { storeBlob } from "./store-fixture.ts";

/** Larger than what goes unrecorded. */
const SIZE = 3_000_000;
/** One of so many calls is tried: each takes a process; of more in a short look (`ORLOP_FUZZ_RUNS`, fewer than usual). */
const STEP = Number(process.env.ORLOP_FUZZ_RUNS ?? 1000) < 1000 ? 29 : 7;
/** Only there to end a test that never comes to the end of its calls. */
const CALLS_MAX = 400;

const blob = makeTestBlob("killed", SIZE);

/** Whether the child has lived to its end. */
async function runChild(root: string, fatalCall: number): Promise<boolean> {
  using content = temporaryDirectory();
  const contentPath = join(content.path, "content");
  writeFileSync(contentPath, blob.bytes);
  const file = new URL("./killed-ingest-fixture.ts", import.meta.url).pathname;
  const args = ["-C", "source", file, root, contentPath, blob.digest, String(fatalCall)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  const [exitCode, signal] = await once(child, "exit");
  assert.ok(exitCode === 0 || signal === "SIGKILL", `the child ended with ${exitCode ?? signal}`);
  return exitCode === 0;
}

/** Nothing that is visible is wrong, and the next process makes it whole. */
async function checkAndFinish(root: string): Promise<void> {
  using store = openStore(root);
  const { content, images } = store;
  if (await content.has(blob.digest)) assert.ok((await bytesOf(content.read(blob.digest))).equals(blob.bytes));
  else assert.deepEqual(await images.list(), []);
  for (const each of await Array.fromAsync(content.ingests())) assert.equal(each.active, false);
  await storeBlob(content, blob);
  assert.ok((await bytesOf(content.read(blob.digest))).equals(blob.bytes));
  assert.deepEqual(await Array.fromAsync(content.ingests()), []);
  store.close();
  const [algorithm, encoded] = blob.digest.split(":");
  const expected = ["content", "content/blobs", `content/blobs/${algorithm}`, `content/blobs/${algorithm}/${encoded}`];
  const left = [...walkTree(root)].filter((path) => !path.startsWith("metadata.db"));
  assert.deepEqual(left.sort(), [...expected, "content/ingest"].sort());
}

test("a process killed before any of its calls leaves nothing wrong, and the next one makes it whole", async () => {
  let call = 1;
  for (let isDone = false; !isDone; call += STEP) {
    assert.ok(call < CALLS_MAX, "the child makes ever more calls");
    using directory = temporaryDirectory();
    isDone = await runChild(directory.path, call);
    await checkAndFinish(directory.path);
  }
  assert.ok(call > 20, `there were only ${call} calls to be killed before`);
});

test("processes killed one after the other get on, each from where the one before it was", async () => {
  using directory = temporaryDirectory();
  let fatalCall = 30;
  // Each gets a little further than the one before it, none needs what was killed to come from the beginning.
  while (!(await runChild(directory.path, fatalCall))) fatalCall += 7 * STEP;
  await checkAndFinish(directory.path);
});
