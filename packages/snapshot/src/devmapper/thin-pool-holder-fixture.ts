import { once } from "node:events";
import { makeThinPool, thinPoolObstacle } from "./thin-pool-fixture.ts";

/**
 * A process of its own, for tests of packages above: says `pool NAME` and keeps a thin pool until its input ends, or says why
 * there can be none.
 */
const obstacle = thinPoolObstacle();
if (obstacle !== undefined) process.stdout.write(`${obstacle}\n`);
else {
  await using pool = await makeThinPool();
  process.stdout.write(`pool ${pool.name}\n`);
  await once(process.stdin.resume(), "end");
}
