import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { CreateRequest, Runtime } from "@orlop/core";
import {
  assertNoLeakSince,
  baseSpec,
  makeBusyboxRootfs,
  patience,
  snapshotKernelState,
  temporaryDirectory,
} from "@orlop/testkit";
import { ForeignContainer } from "./foreign-container.ts";
import { spawnForeignMaker } from "./foreign-maker-fixture.ts";
import { PEERS, peerObstacle } from "./foreign-peers-fixture.ts";

const { SIGKILL, SIGTERM } = constants.signals;
const PATIENCE_MS = patience(20_000);
const untilTerm = "trap 'echo told; exit 9' TERM; echo ready; while :; do sleep 0.05; done";

let containers = 0;

async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS} ms for ${what}`);
    await sleep(5);
  }
}

interface Place {
  readonly root: string;
  readonly runtime: Runtime;
  request(script: string, changes?: Partial<CreateRequest>): CreateRequest;
  output(id: string): string;
}

/** A place for one test, of which nothing may be left: the layers under the root file system are mounted for each container. */
async function inPlace(t: TestContext, peer: string, check: (place: Place) => Promise<void>): Promise<void> {
  const { make } = PEERS[peer] ?? assert.fail();
  const obstacle = peerObstacle(PEERS[peer] ?? assert.fail());
  if (obstacle !== undefined) return t.skip(obstacle);
  using directory = temporaryDirectory("orlop-lost-");
  const mark = `orlop-lost-${process.pid}-${++containers}`;
  const root = join(directory.path, "state");
  const lower = join(directory.path, "rootfs");
  mkdirSync(root);
  makeBusyboxRootfs(lower);
  const runtime = make(root);
  // What a runtime keeps from its first container on is there before the first look.
  await lead(runtime, directory.path, mark);
  const before = snapshotKernelState({ mark, directories: [directory.path], keptDirectories: [root] });
  const output = (id: string): string => {
    const path = join(directory.path, `${id}.out`);
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  };
  const request = (script: string, changes: Partial<CreateRequest> = {}): CreateRequest => {
    const id = `${mark}-${++containers}`;
    const spec = baseSpec({ id });
    const file = { path: join(directory.path, `${id}.out`) };
    const process = { user: { uid: 0, gid: 0 }, cwd: "/", env: ["PATH=/bin"], args: ["/bin/sh", "-c", script] };
    return {
      id,
      bundle: directory.path,
      spec: { ...spec, process, mounts: (spec.mounts ?? []).filter(({ type }) => type !== "cgroup") },
      rootfs: { kind: "overlay", lower: [lower], writes: "discard" },
      stdio: { stdin: "null", stdout: file, stderr: file },
      ...changes,
    };
  };
  try {
    await check({ root, runtime, request, output });
  } finally {
    for (const id of readdirSync(root).filter((name) => !name.startsWith("."))) {
      await runtime.delete(id, { force: true });
    }
    runtime.close();
  }
  await assertNoLeakSince(before);
}

/** The life of a first container. */
async function lead(runtime: Runtime, bundle: string, id: string): Promise<void> {
  const base = baseSpec({ id });
  const process = { user: { uid: 0, gid: 0 }, cwd: "/", env: ["PATH=/bin"], args: ["/bin/true"] };
  const mounts = (base.mounts ?? []).filter(({ type }) => type !== "cgroup");
  const stdio = { stdin: "null", stdout: "null", stderr: "null" } as const;
  await runtime.create({ id, bundle, spec: { ...base, process, mounts }, stdio });
  await runtime.start(id);
  await runtime.wait(id);
  await runtime.delete(id);
}

/** Processes whose descriptors include this file: the reaper has the control pipe of its container open. */
function holders(path: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === path);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Kills the reaper of a container, and waits until it is gone. */
async function killReaper(place: Place, id: string): Promise<void> {
  const { directory } = new ForeignContainer(place.root, id);
  const [reaper] = holders(join(directory.path, "control"));
  process.kill(reaper ?? 0, "SIGKILL");
  await until("the end of the reaper", () => (directory.supervised() ? undefined : true));
}

for (const peer of Object.keys(PEERS)) {
  suite(`a container of ${peer}`, () => {
    test("ends with its maker, and leaves nothing but what its deletion removes", (t) =>
      inPlace(t, peer, async (place) => {
        const request = place.request(untilTerm);
        const maker = spawnForeignMaker(t, { peer, root: place.root, request });
        await maker.made;
        assert.equal((await place.runtime.state(request.id)).status, "running");
        await maker.kill();
        await until("the end of the container", async () =>
          (await place.runtime.state(request.id)).status === "stopped" ? true : undefined,
        );
        await place.runtime.delete(request.id, { force: true });
        assert.deepEqual(await place.runtime.list(), []);
      }));

    test("outlives its maker where it is to, and tells others how it ended and all that it said", (t) =>
      inPlace(t, peer, async (place) => {
        const request = place.request(untilTerm, { detached: true });
        const maker = spawnForeignMaker(t, { peer, root: place.root, request });
        await maker.made;
        await maker.kill();
        await until("its output", () => (place.output(request.id) === "ready\n" ? true : undefined));
        assert.equal((await place.runtime.state(request.id)).status, "running");
        await place.runtime.signal(request.id, SIGTERM);
        assert.equal((await place.runtime.wait(request.id)).exitCode, 9);
        assert.equal(place.output(request.id), "ready\ntold\n");
        await place.runtime.delete(request.id);
      }));

    test("can be deleted whenever its maker died while making it", (t) =>
      inPlace(t, peer, async (place) => {
        for (let round = 0; round < 5; round++) {
          const request = place.request("sleep 1000", { detached: round % 2 === 0 });
          const maker = spawnForeignMaker(t, { peer, root: place.root, request });
          const { directory } = new ForeignContainer(place.root, request.id);
          await until("its directory", () => (existsSync(directory.path) ? true : undefined));
          await sleep(round * 40);
          await maker.kill();
          await place.runtime.delete(request.id, { force: true });
          assert.equal(existsSync(directory.path), false);
        }
      }));

    test("can be deleted when its reaper was killed, and is not said to have ended before", (t) =>
      inPlace(t, peer, async (place) => {
        const request = place.request(untilTerm);
        await place.runtime.create(request);
        await place.runtime.start(request.id);
        await until("its output", () => (place.output(request.id) === "ready\n" ? true : undefined));
        await killReaper(place, request.id);
        assert.equal((await place.runtime.state(request.id)).status, "running");
        await assert.rejects(place.runtime.delete(request.id), { code: "conflict" });
        await place.runtime.delete(request.id, { force: true });
        assert.deepEqual(await place.runtime.list(), []);
      }));
  });
}

suite("a container behind a shim", () => {
  const peer = "shim:io.containerd.runc.v2";

  test("is said to have ended when its shim was killed, and its deletion ends it", (t) =>
    inPlace(t, peer, async (place) => {
      const request = place.request("echo ready; sleep 1000", { detached: true });
      await place.runtime.create(request);
      await place.runtime.start(request.id);
      await until("its output", () => (place.output(request.id) === "ready\n" ? true : undefined));
      const waiting = assert.rejects(place.runtime.wait(request.id), { code: "failed" });
      const container = new ForeignContainer(place.root, request.id);
      process.kill(container.directory.created()?.value ?? 0, "SIGKILL");
      await waiting;
      await until("its end", async () =>
        (await place.runtime.state(request.id)).status === "stopped" ? true : undefined,
      );
      await assert.rejects(place.runtime.signal(request.id, SIGKILL), { code: "failed" });
      await place.runtime.delete(request.id);
      assert.deepEqual(await place.runtime.list(), []);
    }));
});
