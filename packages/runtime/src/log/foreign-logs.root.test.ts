import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import type { CreateRequest, Runtime } from "@orlop/core";
import { baseSpec, makeBusyboxRootfs, patience } from "@orlop/testkit";
import { PEERS, peerObstacle } from "../foreign/foreign-peers-fixture.ts";
import { PumpBench } from "./log-pump-fixture.ts";

const timeout = patience(30_000);

let containers = 0;

interface Place {
  readonly runtime: Runtime;
  readonly pumps: PumpBench;
  request(script: string, terminal: boolean): CreateRequest;
}

async function inPlace(t: TestContext, peer: string, check: (place: Place) => Promise<void>): Promise<void> {
  const row = PEERS[peer] ?? assert.fail();
  const obstacle = peerObstacle(row);
  if (obstacle !== undefined) return t.skip(obstacle);
  await using pumps = new PumpBench();
  const { directory } = pumps;
  const rootfs = join(directory, "rootfs");
  makeBusyboxRootfs(rootfs);
  const runtime = row.make(join(directory, "state"));
  const made: string[] = [];
  const request = (script: string, terminal: boolean): CreateRequest => {
    const id = `orlop-foreign-log-${process.pid}-${++containers}`;
    made.push(id);
    const spec = baseSpec({ id });
    const user = { uid: 0, gid: 0 };
    const args = ["/bin/sh", "-c", script];
    return {
      id,
      bundle: directory,
      spec: {
        ...spec,
        process: { terminal, user, cwd: "/", env: ["PATH=/bin"], args },
        mounts: (spec.mounts ?? []).filter(({ type }) => type !== "cgroup"),
      },
      rootfs: { kind: "directory", path: rootfs },
      stdio: {
        stdin: "null",
        stdout: { path: join(directory, "stdout") },
        stderr: { path: join(directory, "stderr") },
      },
      detached: true,
    };
  };
  try {
    await check({ runtime, pumps, request });
  } finally {
    for (const id of made) await runtime.delete(id, { force: true });
    runtime.close();
  }
}

for (const peer of Object.keys(PEERS)) {
  suite(`the log of a container of ${peer}`, { timeout }, () => {
    test("has all that both streams were given, to the container's end", (t) =>
      inPlace(t, peer, async ({ runtime, pumps, request }) => {
        const pump = await pumps.start();
        const asked = request("seq 1 3000; echo oops >&2; printf end", false);
        await runtime.create(asked);
        await runtime.start(asked.id);
        assert.equal((await runtime.wait(asked.id)).exitCode, 0);
        assert.equal(await pump.ended, "ended");
        const expected = Array.from({ length: 3000 }, (_, index) => `${index + 1}\n`).join("");
        assert.equal(await pumps.text("stdout"), `${expected}end`);
        assert.equal(await pumps.text("stderr"), "oops\n");
      }));

    test("has what a terminal said, as one stream", (t) =>
      inPlace(t, peer, async ({ runtime, pumps, request }) => {
        const pump = await pumps.start({ terminal: true });
        const asked = request("echo fine; echo oops >&2", true);
        await runtime.create(asked);
        await runtime.start(asked.id);
        assert.equal((await runtime.wait(asked.id)).exitCode, 0);
        assert.equal(await pump.ended, "ended");
        assert.equal(await pumps.text(), "fine\r\noops\r\n");
      }));
  });
}
