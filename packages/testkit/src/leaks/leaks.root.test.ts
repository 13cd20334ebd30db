import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { cgroupDirectories, removeCgroupDirectories } from "../cgroup-directories.ts";
import { holdNamespaces } from "../namespace-holder.ts";
import { temporaryDirectory } from "../temporary-directory.ts";
import { findLeaks } from "./assert-no-leak.ts";
import type { LeakScope } from "./kernel-state.ts";
import { snapshotKernelState } from "./snapshot-kernel-state.ts";

function needsRoot(t: TestContext): boolean {
  if (process.getuid?.() === 0) return false;
  t.skip("needs root");
  return true;
}

const scope = (directory: string): LeakScope => ({ mark: `orlop-leak-root-${process.pid}`, directories: [directory] });

/** A hierarchy that exists on this machine: v2's, or v1's of the pids controller. */
function hierarchy(): string {
  return existsSync("/sys/fs/cgroup/pids") ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup";
}

suite("leak checks as root", () => {
  test("find a mount below a directory of the test, and refuse to delete through it", (t) => {
    if (needsRoot(t)) return;
    using directory = temporaryDirectory();
    const target = join(directory.path, "mnt");
    mkdirSync(target);
    const before = snapshotKernelState(scope(directory.path));
    execFileSync("mount", ["-t", "tmpfs", "none", target]);
    try {
      const leaks = findLeaks(before, snapshotKernelState(before.scope));
      assert.deepEqual(
        leaks.map(({ kind }) => kind),
        ["mount"],
      );
      assert.match(leaks[0]?.what ?? "", new RegExp(`^mount of tmpfs on "${target}" in mnt:`));
      assert.throws(() => directory[Symbol.dispose](), { code: "conflict", message: /is still mounted$/ });
    } finally {
      execFileSync("umount", [target]);
    }
  });

  test("find a mount in a mount namespace of a process of the test", async (t) => {
    if (needsRoot(t)) return;
    using directory = temporaryDirectory();
    const before = snapshotKernelState(scope(directory.path));
    const script = `mount -t tmpfs none ${directory.path} && echo mounted && read end`;
    const child = spawn("unshare", ["--mount", "sh", "-c", script], { stdio: ["pipe", "pipe", "inherit"] });
    await once(child.stdout, "data");
    const leaks = findLeaks(before, snapshotKernelState(before.scope));
    const gone = once(child, "exit");
    child.stdin.end();
    await gone;
    assert.ok(leaks.some(({ kind, what }) => kind === "mount" && what.includes(directory.path)));
  });

  test("find a cgroup by the mark in its path, and a process in it", async (t) => {
    if (needsRoot(t)) return;
    using directory = temporaryDirectory();
    const before = snapshotKernelState(scope(directory.path));
    const path = join(hierarchy(), `${before.scope.mark}-1`);
    mkdirSync(join(path, "sub"), { recursive: true });
    const child = spawn("sleep", ["100"], { stdio: "ignore" });
    await once(child, "spawn");
    writeFileSync(join(path, "cgroup.procs"), String(child.pid));
    const leaks = findLeaks(before, snapshotKernelState(before.scope));
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    removeCgroupDirectories(before.scope.mark);
    const what = leaks.filter(({ kind }) => kind === "cgroup").map((leak) => leak.what);
    assert.deepEqual(what, [`cgroup "${path}"`, `cgroup "${path}/sub"`]);
    assert.deepEqual(cgroupDirectories(before.scope.mark), []);
    assert.equal(existsSync(path), false);
  });

  test("find the namespaces of a process of the test", async (t) => {
    if (needsRoot(t)) return;
    using directory = temporaryDirectory();
    const before = snapshotKernelState(scope(directory.path));
    await using holder = await holdNamespaces(["net", "uts"]);
    const leaks = findLeaks(before, snapshotKernelState(before.scope));
    const what = leaks.filter(({ kind }) => kind === "namespace").map((leak) => leak.what);
    for (const type of ["net", "uts"] as const) {
      assert.ok(what.some((text) => text.startsWith(`namespace ${holder.identity(type)} of process`)));
    }
  });

  test("leave out a cgroup without the mark", (t) => {
    if (needsRoot(t)) return;
    using directory = temporaryDirectory();
    const before = snapshotKernelState(scope(directory.path));
    const path = join(hierarchy(), `somebody-else-${process.pid}`);
    mkdirSync(path);
    try {
      assert.deepEqual(findLeaks(before, snapshotKernelState(before.scope)), []);
    } finally {
      rmdirSync(path);
    }
  });
});
