import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { imageStoreSuite, leaseStoreSuite, withTemporaryDirectory } from "@orlop/testkit";
import { openStore } from "./open-store.ts";

imageStoreSuite("a directory", async (directory) => {
  const store = openStore(directory);
  return { images: store.images, [Symbol.asyncDispose]: async () => store.close() };
});

leaseStoreSuite("a directory", async (directory) => {
  const store = openStore(directory);
  return { leases: store.leases, [Symbol.asyncDispose]: async () => store.close() };
});

test("a lease without an expiry ends with its process, one with an expiry does not", async () => {
  await withTemporaryDirectory(async (directory) => {
    const script = `
      const { openStore } = await import(${JSON.stringify(new URL("./open-store.ts", import.meta.url).href)});
      const { leases } = openStore(${JSON.stringify(directory)});
      await leases.create({ id: "of the process" });
      await leases.create({ id: "of an hour", expiresInMs: 3_600_000 });
      if ((await leases.list()).length !== 2) process.exit(1);
      process.kill(process.pid, "SIGKILL");
    `;
    const child = spawnSync(process.execPath, ["-C", "source", "--input-type=module", "-e", script]);
    assert.equal(child.signal, "SIGKILL", child.stderr.toString());
    using store = openStore(directory);
    const ids = (await store.leases.list()).map(({ id }) => id);
    assert.deepEqual(ids, ["of an hour"]);
  });
});
