import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import type { CreateRequest } from "@orlop/core";
import { assertNoLeakSince, snapshotKernelState, temporaryDirectory } from "@orlop/testkit";
import { ForeignContainer } from "../foreign-container.ts";
import { askedWith, fakeShim } from "./fake-shim-fixture.ts";
import { ShimRuntime } from "./shim-runtime.ts";

let containers = 0;

async function withShim(
  t: TestContext,
  fault: Parameters<typeof fakeShim>[1],
  check: (runtime: ShimRuntime, request: CreateRequest, root: string) => Promise<void>,
): Promise<void> {
  if (process.getuid?.() !== 0) return t.skip("needs root");
  using directory = temporaryDirectory("orlop-fake-");
  const mark = `orlop-fake-${process.pid}-${++containers}`;
  const root = join(directory.path, "state");
  mkdirSync(join(directory.path, "rootfs"));
  const runtime = new ShimRuntime({ shim: fakeShim(directory.path, fault), root });
  const before = snapshotKernelState({ mark, directories: [root] });
  const process_ = { user: { uid: 0, gid: 0 }, args: ["true"], cwd: "/" };
  await check(
    runtime,
    {
      id: mark,
      bundle: directory.path,
      spec: { ociVersion: "1.0.2", root: { path: "rootfs" }, process: process_ },
      stdio: { stdin: "null", stdout: "null", stderr: "null" },
    },
    root,
  );
  assert.deepEqual(await runtime.list(), []);
  runtime.close();
  await assertNoLeakSince(before);
}

suite("a shim of containerd 2.3's protocol", () => {
  test("is asked a second time with the parameters that it misses, and spoken to in version 3", (t) =>
    withShim(t, "none", async (runtime, request, root) => {
      const { id } = request;
      assert.equal((await runtime.create(request)).status, "created");
      assert.deepEqual(askedWith(new ForeignContainer(root, id).bundle), {
        instanceId: id,
        namespace: "orlop",
        containerdTtrpcAddress: join(root, id, "events"),
      });
      await runtime.start(id);
      assert.equal((await runtime.state(id)).status, "running");
      await assert.rejects(runtime.stats(id), { code: "unsupported" });
      await runtime.signal(id, 9);
      const { exitCode, signal, exitedAtMs, usage } = await runtime.wait(id);
      assert.deepEqual([exitCode, signal, exitedAtMs, usage], [137, 9, 7005, undefined]);
      await runtime.delete(id);
      // The second container's shim is asked right the first time.
      await runtime.create(request);
      await runtime.delete(id, { force: true });
    }));

  test("says why it does not start, in its own words", (t) =>
    withShim(t, "refuses", async (runtime, request) => {
      const message = `Cannot create container "${request.id}": this shim does not start`;
      await assert.rejects(runtime.create(request), { code: "failed", message });
    }));

  test("is refused when it speaks gRPC, and does not stay", (t) =>
    withShim(t, "grpc", async (runtime, request) => {
      await assert.rejects(runtime.create(request), { code: "unsupported", message: /it speaks grpc, not ttrpc$/ });
    }));

  test("says why it cannot make a container, and does not stay", (t) =>
    withShim(t, "create fails", async (runtime, request) => {
      await assert.rejects(runtime.create(request), { code: "denied", message: /no such thing as a container/ });
    }));

  test("gives an exec whose program has ended before its terminal had a size", (t) =>
    withShim(t, "execs end at once", async (runtime, request) => {
      const { id, stdio } = request;
      await runtime.create(request);
      await runtime.start(id);
      const consoleSize = { height: 24, width: 80 };
      const process_ = { user: { uid: 0, gid: 0 }, args: ["true"], cwd: "/", terminal: true, consoleSize };
      const { pid } = await runtime.exec({ id, execId: "short", process: process_, stdio });
      assert.equal(typeof pid, "number");
      await runtime.delete(id, { force: true });
    }));
});
