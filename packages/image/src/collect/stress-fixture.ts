import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { OrlopError } from "@orlop/core";
import { CollectFixture, makeTestImage, type TestImage } from "./collect-fixture.ts";
import { collectGarbage } from "./collect-garbage.ts";

/** A process of its own: pulls, removes, collects and runs images in turns that a seed decides, together with others. */
const [root = "", seed, rounds, isKilled] = process.argv.slice(2);
const IMAGES = ["a1", "a2", "b1", "b2"].map(makeTestImage);
let state = Number(seed);
using fixture = new CollectFixture(root);
const { store, fake } = fixture;

function random(below: number): number {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return (state >>> 8) % below;
}

async function unlessMissing(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!(error instanceof OrlopError) || error.code !== "not-found") throw error;
  });
}

/** As a container is started: the image and the snapshot are kept, then looked for, used, and given up. */
async function run(image: TestImage, round: number): Promise<void> {
  const { id } = await store.leases.create();
  await store.leases.add(id, { kind: "content", digest: image.manifest.digest });
  if (await store.content.has(image.manifest.digest)) {
    const key = `run-${seed}-${round}`;
    await store.leases.add(id, { kind: "snapshot", snapshotter: "fake", key });
    fake.make(key, image.chain.at(-1), { kind: "active" });
    for (let look = 0; look < 5; look++) {
      assert.deepEqual(await fixture.missing(image), [], "it was removed while it was in use");
      assert.ok(fake.has(key), "the snapshot was removed while it was in use");
      await turn();
    }
  }
  // What the end of a container leaves to garbage collection.
  await store.leases.delete(id);
}

for (let round = 0; round < Number(rounds); round++) {
  const image = IMAGES[random(IMAGES.length)] as TestImage;
  const name = `name-${random(IMAGES.length)}`;
  const deed = random(5);
  if (deed === 0) await fixture.pull(image, name);
  if (deed === 1) {
    await unlessMissing(store.images.delete(name));
    await collectGarbage(fixture);
  }
  if (deed === 2) await collectGarbage(fixture, { leftoverAgeMs: 0 });
  if (deed >= 3) await run(image, round);
}
if (isKilled === "killed") {
  const { id } = await store.leases.create();
  await fixture.bring(IMAGES[0] as TestImage, id);
  process.kill(process.pid, "SIGKILL");
}
