import { hookDiskCalls } from "@orlop/testkit";
import { CollectFixture } from "./collect-fixture.ts";
import { collectWith } from "./collect-garbage.ts";

/** A process of its own: collects garbage, and kills itself before call number N to the disk. */
const [root = "", fatalCall] = process.argv.slice(2);
let calls = 0;
using _hooked = await hookDiskCalls(() => {
  if (++calls === Number(fatalCall)) process.kill(process.pid, "SIGKILL");
});
using fixture = new CollectFixture(root);
await collectWith(fixture, { leftoverAgeMs: 0 }, { batch: 2 });
