import { hookDiskCalls } from "@orlop/testkit";
import { MORE_CALLS, SnapshotWork } from "./snapshot-work-fixture.ts";

/** A process of its own: works with snapshots, and kills itself before call number N to the disk. */
const [root = "", name = "", fatalCall] = process.argv.slice(2);
let calls = 0;
using _hooked = await hookDiskCalls(() => {
  if (++calls === Number(fatalCall)) process.kill(process.pid, "SIGKILL");
}, MORE_CALLS);
await using work = await SnapshotWork.open(root, name);
await work.run();
await work.snapshotter.cleanup();
