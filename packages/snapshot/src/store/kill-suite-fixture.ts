import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ownProcessMark } from "@orlop/kernel";
import { hookDiskCalls, temporaryDirectory } from "@orlop/testkit";
import { MORE_CALLS, SnapshotWork } from "./snapshot-work-fixture.ts";

/** One of so many calls is tried, and of more in a short look (`ORLOP_FUZZ_RUNS`, fewer than usual). */
const STEP = Number(process.env.ORLOP_FUZZ_RUNS ?? 1000) < 1000 ? 37 : 17;
/** Only there to end a test that never comes to the end of its calls. */
const CALLS_MAX = 600;
/** A child is killed before each of these. */
const CHILD_CALLS = [45, 60, 75];
/** In the directory of a committed snapshot. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  erofs: ["layer.erofs"],
  "erofs:tar-index": ["layer.erofs", "layer.tar"],
  overlay: ["facts.json", "fs"],
  native: ["fs"],
  btrfs: ["fs"],
  blockfile: ["disk.ext4"],
};

interface KillSuiteOptions {
  /** Why it cannot be tried here. */
  readonly obstacle?: string | undefined;
  /** Where directories are made. */
  readonly parent?: string | undefined;
  /** Called before the directory of a snapshotter is removed. */
  readonly finish?: (directory: string) => void;
}

/** Whether it came to its end: from call number N on, none of its calls changes the disk, as if its process were gone. */
async function runUntil(root: string, name: string, fatalCall: number): Promise<boolean> {
  let calls = 0;
  await using work = await SnapshotWork.open(root, name);
  using _hooked = await hookDiskCalls(() => {
    if (++calls >= fatalCall) throw new Error("this process is gone");
  }, MORE_CALLS);
  await work
    .run()
    .then(() => work.snapshotter.cleanup())
    .catch(() => {});
  return calls < fatalCall;
}

async function runChild(root: string, name: string, fatalCall: number): Promise<void> {
  const file = new URL("./killed-work-fixture.ts", import.meta.url).pathname;
  const args = ["-C", "source", file, root, name, String(fatalCall)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  const [exitCode, signal] = await once(child, "exit");
  assert.equal(signal, "SIGKILL", `the child ended with ${exitCode}`);
}

/** Nothing that is committed is wrong, and the next process gets all done. */
async function checkAndFinish(root: string, name: string): Promise<void> {
  await using work = await SnapshotWork.open(root, name);
  await work.check();
  await work.removeUnfinished();
  await work.run();
  await work.check();
  await work.snapshotter.cleanup();
  const directory = join(root, name);
  // What this process has left is found when it is gone: others take it to be at work on that still.
  const own = `filling-${ownProcessMark()}`;
  const left = readdirSync(directory).filter((each) => !each.startsWith(own));
  assert.equal(left.length, 3, left.join(" "));
  for (const each of left) assert.deepEqual(readdirSync(join(directory, each)).sort(), FILES[name]);
}

/** Tests of snapshotters by this name: whatever moment their process ends at. */
export function killSuite(name: string, { obstacle, parent, finish }: KillSuiteOptions = {}): void {
  const inDirectory = (
    title: string,
    check: (makeRoot: () => Disposable & { readonly path: string }) => Promise<void>,
  ): void => {
    test(title, async (t) => {
      if (obstacle !== undefined) return t.skip(obstacle);
      await check(() => {
        using stack = new DisposableStack();
        const { path } = stack.use(temporaryDirectory("orlop-kill-", parent));
        stack.defer(() => finish?.(join(path, name)));
        const done = stack.move();
        return { path, [Symbol.dispose]: () => done.dispose() };
      });
    });
  };

  inDirectory(
    `whoever stops before any of its calls leaves no half of a snapshot of ${name}, and the next one goes on`,
    async (makeRoot) => {
      let call = 1;
      for (let isDone = false; !isDone; call += STEP) {
        assert.ok(call < CALLS_MAX, "there are ever more calls");
        using directory = makeRoot();
        isDone = await runUntil(directory.path, name, call);
        await checkAndFinish(directory.path, name);
      }
      assert.ok(call > 60, `there were only ${call} calls to stop before`);
    },
  );

  inDirectory(
    `a process that is killed leaves no half of a snapshot of ${name}, and the next one goes on`,
    async (makeRoot) => {
      for (const call of CHILD_CALLS) {
        using directory = makeRoot();
        await runChild(directory.path, name, call);
        await checkAndFinish(directory.path, name);
      }
    },
  );
}
