import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { temporaryDirectory } from "../temporary-directory.ts";
import { assertNoLeak, assertNoLeakSince, findLeaks } from "./assert-no-leak.ts";
import type { LeakScope } from "./kernel-state.ts";
import { snapshotKernelState } from "./snapshot-kernel-state.ts";

const scope = (directory: string): LeakScope => ({ mark: `orlop-leak-test-${process.pid}`, directories: [directory] });

/** A process that lives until it is disposed of, and is then waited for. */
async function sleeper(env: NodeJS.ProcessEnv = process.env): Promise<AsyncDisposable & { readonly pid: number }> {
  const child = spawn("sleep", ["100"], { stdio: "ignore", env });
  await once(child, "spawn");
  const stop = async (): Promise<void> => {
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  return { pid: child.pid ?? 0, [Symbol.asyncDispose]: stop };
}

suite("leak checks", () => {
  test("find nothing where nothing happened", () => {
    using directory = temporaryDirectory();
    const before = snapshotKernelState(scope(directory.path));
    assertNoLeak(before, snapshotKernelState(scope(directory.path)));
  });

  test("find a process that descends from this one", async () => {
    using directory = temporaryDirectory();
    const before = snapshotKernelState(scope(directory.path));
    await using child = await sleeper();
    const leaks = findLeaks(before, snapshotKernelState(before.scope));
    const what = leaks.filter(({ kind }) => kind === "process").map((leak) => leak.what);
    assert.equal(what.length, 1);
    assert.match(what[0] ?? "", new RegExp(`^process ${child.pid} "sleep 100" in state .*descends from this process`));
  });

  test("find a grandchild that was orphaned, by the mark in its environment", async () => {
    using directory = temporaryDirectory();
    const before = snapshotKernelState(scope(directory.path));
    const shell = spawn("sh", ["-c", "sleep 100 & echo $!"], { env: { ...process.env, MARK: before.scope.mark } });
    const chunks: Buffer[] = [];
    shell.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(shell, "exit");
    const pid = Number(Buffer.concat(chunks).toString());
    try {
      const leaks = findLeaks(before, snapshotKernelState(before.scope));
      assert.ok(leaks.some(({ kind, what }) => kind === "process" && what.includes("has the mark in its environment")));
    } finally {
      process.kill(pid, "SIGKILL");
      shell.stdout.destroy();
      shell.stderr.destroy();
    }
  });

  test("find a descriptor of this process", () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "open");
    writeFileSync(path, "");
    const before = snapshotKernelState(scope(directory.path));
    const descriptor = openSync(path, "r");
    try {
      const leaks = findLeaks(before, snapshotKernelState(before.scope));
      assert.deepEqual(leaks, [
        { kind: "descriptor", what: `descriptor ${descriptor} of process ${process.pid} to ${path}` },
      ]);
    } finally {
      closeSync(descriptor);
    }
  });

  test("find a descriptor that a child opened after the first look", async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "open");
    writeFileSync(path, "");
    const child = spawn("sh", ["-c", `read go; exec 7<${path}; echo opened; read end`], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    await once(child, "spawn");
    const before = snapshotKernelState(scope(directory.path));
    child.stdin.write("go\n");
    await once(child.stdout, "data");
    const leaks = findLeaks(before, snapshotKernelState(before.scope));
    const gone = once(child, "exit");
    child.stdin.end();
    await gone;
    assert.deepEqual(leaks, [{ kind: "descriptor", what: `descriptor 7 of process ${child.pid} to ${path}` }]);
  });

  test("find a namespace that this process holds open", () => {
    using directory = temporaryDirectory();
    const before = snapshotKernelState(scope(directory.path));
    const descriptor = openSync("/proc/self/ns/uts", "r");
    try {
      const kinds = findLeaks(before, snapshotKernelState(before.scope)).map(({ kind }) => kind);
      assert.deepEqual(kinds, ["namespace", "descriptor"]);
    } finally {
      closeSync(descriptor);
    }
  });

  test("find a file below a directory of the test", () => {
    using directory = temporaryDirectory();
    const before = snapshotKernelState(scope(directory.path));
    writeFileSync(join(directory.path, "left"), "");
    const after = snapshotKernelState(before.scope);
    assert.deepEqual(findLeaks(before, after), [{ kind: "file", what: `file "${join(directory.path, "left")}"` }]);
    assert.throws(() => assertNoLeak(before, after), { message: /^Left behind:\n {2}file ".*\/left"$/ });
  });

  test("wait for what is on its way out", async () => {
    using directory = temporaryDirectory();
    const before = snapshotKernelState(scope(directory.path));
    const child = spawn("sleep", ["0.1"], { stdio: "ignore" });
    await once(child, "spawn");
    assert.ok(findLeaks(before, snapshotKernelState(before.scope)).length > 0);
    await assertNoLeakSince(before);
  });
});
