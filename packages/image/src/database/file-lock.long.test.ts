import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withTemporaryDirectory } from "@orlop/testkit";
import { FileLock } from "./file-lock.ts";

function withLockFile(work: (path: string) => Promise<void> | void): Promise<void> {
  return withTemporaryDirectory((directory) => work(join(directory, "lock")));
}

async function startHolder(path: string): Promise<ChildProcess> {
  const file = new URL("./lock-holder-fixture.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, ["-C", "source", file, path], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}

test("a lock is held once, and can be had again", async () => {
  await withLockFile((path) => {
    {
      using lock = FileLock.try(path);
      assert.ok(lock);
      assert.equal(FileLock.try(path), undefined);
    }
    using lock = FileLock.try(path);
    assert.ok(lock);
  });
});

test("a lock ends with its process, however that ends", async () => {
  await withLockFile(async (path) => {
    const child = await startHolder(path);
    assert.equal(FileLock.try(path), undefined);
    const taken = FileLock.take(path, { onWait: () => child.kill("SIGKILL") });
    using lock = await taken;
    assert.ok(lock);
  });
});

test("who waits is told once and gets the lock when it is let go", async () => {
  await withLockFile(async (path) => {
    const child = await startHolder(path);
    let told = 0;
    const onWait = (): void => {
      told++;
      child.stdin?.end();
    };
    using lock = await FileLock.take(path, { onWait });
    assert.ok(lock);
    assert.equal(told, 1);
    if (child.exitCode === null) await once(child, "exit");
  });
});

test("a wait can be ended", async () => {
  await withLockFile(async (path) => {
    using lock = FileLock.try(path);
    assert.ok(lock);
    const controller = new AbortController();
    const { signal } = controller;
    await assert.rejects(FileLock.take(path, { signal, onWait: () => controller.abort() }), { code: "cancelled" });
    await assert.rejects(FileLock.take(path, { signal }), { code: "cancelled" });
  });
});

test("a lock whose file is removed by its holder is not had twice", async () => {
  await withLockFile(async (path) => {
    let holders = 0;
    let mostHolders = 0;
    const takeAndRemove = async (): Promise<void> => {
      for (let round = 0; round < 20; round++) {
        const lock = await FileLock.take(path);
        mostHolders = Math.max(mostHolders, ++holders);
        await new Promise(setImmediate);
        holders--;
        lock.remove();
      }
    };
    await Promise.all([takeAndRemove(), takeAndRemove(), takeAndRemove()]);
    assert.equal(mostHolders, 1);
    assert.equal(existsSync(path), false);
  });
});
