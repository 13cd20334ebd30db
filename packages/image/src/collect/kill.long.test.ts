import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeTestBlob, temporaryDirectory, walkTree } from "@orlop/testkit";
import { CollectFixture, makeTestImage } from "./collect-fixture.ts";
import { collectWith } from "./collect-garbage.ts";

/** One of so many calls is tried, and of more in a short look (`ORLOP_FUZZ_RUNS`, fewer than usual). */
const STEP = Number(process.env.ORLOP_FUZZ_RUNS ?? 1000) < 1000 ? 11 : 5;
/** Only there to end a test that never comes to the end of its calls. */
const CALLS_MAX = 400;

const GARBAGE = makeTestImage("a1");
const KEPT = makeTestImage("a2");

/** An image with a name and one without, part of a blob, and a lease that has ended. */
async function fill(root: string): Promise<void> {
  using fixture = new CollectFixture(root);
  await fixture.pull(GARBAGE, "garbage");
  await fixture.pull(KEPT, "kept");
  await fixture.store.images.delete("garbage");
  await fixture.store.leases.create({ expiresInMs: -1 });
  await using ingest = await fixture.store.content.ingest(makeTestBlob("partly", 9000));
  await ingest?.write(Buffer.alloc(10), 0);
}

/** Whether the child has lived to its end. */
async function runChild(root: string, fatalCall: number): Promise<boolean> {
  const file = new URL("./killed-collection-fixture.ts", import.meta.url).pathname;
  const args = ["-C", "source", file, root, String(fatalCall)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  const [exitCode, signal] = await once(child, "exit");
  assert.ok(exitCode === 0 || signal === "SIGKILL", `the child ended with ${exitCode ?? signal}`);
  return exitCode === 0;
}

/** What is left is as if nobody had been killed. */
async function checkAndFinish(root: string): Promise<void> {
  using fixture = new CollectFixture(root);
  assert.deepEqual(await fixture.missing(KEPT), []);
  await collectWith(fixture, { leftoverAgeMs: 0 });
  assert.deepEqual(await fixture.missing(KEPT), []);
  assert.equal(fixture.store.content.rows().length, 4);
  assert.deepEqual(fixture.store.database.all("select * from leases"), []);
  assert.equal(fixture.fake.files().length, 2);
  fixture.store.close();
  const files = [...walkTree(join(root, "content"))].filter((path) => path.startsWith("blobs/sha256/"));
  assert.equal(files.length, 4);
  assert.deepEqual([...walkTree(join(root, "content/ingest"))], []);
}

test("what a collection leaves that is killed before any of its calls, the next one finishes", async () => {
  using template = temporaryDirectory();
  await fill(template.path);
  let call = 1;
  for (let isDone = false; !isDone; call += STEP) {
    assert.ok(call < CALLS_MAX, "the child makes ever more calls");
    using directory = temporaryDirectory();
    cpSync(template.path, directory.path, { recursive: true });
    isDone = await runChild(directory.path, call);
    await checkAndFinish(directory.path);
  }
  assert.ok(call > 20, `there were only ${call} calls to be killed before`);
});
