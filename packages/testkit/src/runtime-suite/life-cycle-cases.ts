import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { until } from "./runtime-bench.ts";
import type { RuntimeSuiteCase } from "./suite-case.ts";

const { SIGKILL, SIGTERM } = constants.signals;

/** Runs until it is told to end, and says when it is ready for that. */
export const untilTerm = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done";

const waysCases: readonly RuntimeSuiteCase[] = [
  {
    title: "creates a container without executing its program, starts it, reports its end and deletes it",
    async check(bench) {
      const { runtime } = bench;
      const marker = join(bench.rootfs, "marker");
      const request = bench.request("echo ran >/marker; exit 7");
      const created = await runtime.create(request);
      assert.deepEqual([created.id, created.status, created.bundle], [request.id, "created", request.bundle]);
      assert.equal(existsSync(marker), false);
      assert.equal((await runtime.state(request.id)).status, "created");
      await runtime.start(request.id);
      const exit = await runtime.wait(request.id);
      assert.deepEqual([exit.exitCode, exit.signal, exit.oomKilled], [7, undefined, false]);
      assert.ok(existsSync(marker));
      const stopped = await runtime.state(request.id);
      assert.deepEqual([stopped.status, stopped.pid], ["stopped", undefined]);
      await runtime.delete(request.id);
      await assert.rejects(runtime.state(request.id), { code: "not-found" });
    },
  },
  {
    title: "reports a running container with its annotations, and lists it",
    async check(bench) {
      const { runtime } = bench;
      const request = bench.request(untilTerm);
      const annotations = { "org.example.first": "1" };
      await runtime.create({ ...request, spec: { ...request.spec, annotations } });
      await runtime.start(request.id);
      const state = await runtime.state(request.id);
      assert.equal(state.status, "running");
      assert.deepEqual(state.annotations, annotations);
      assert.ok(state.pid === undefined || state.pid > 0);
      assert.deepEqual(
        (await runtime.list()).map(({ id, status }) => [id, status]),
        [[request.id, "running"]],
      );
      await runtime.delete(request.id, { force: true });
      assert.deepEqual(await runtime.list(), []);
    },
  },
  {
    title: "deletes a running container by force, and one that is only created",
    async check(bench) {
      const { runtime } = bench;
      const running = await bench.start(untilTerm);
      await runtime.delete(running, { force: true });
      const created = bench.request("true");
      await runtime.create(created);
      await runtime.delete(created.id, { force: true });
      assert.deepEqual(await runtime.list(), []);
    },
  },
  {
    title: "lets an id be used again after its deletion",
    async check(bench) {
      const { id } = await bench.run("echo first");
      assert.equal((await bench.run("echo second", { id })).exitCode, 0);
      assert.equal(bench.output(id), "first\nsecond\n");
    },
  },
  {
    title: "runs containers side by side",
    async check(bench) {
      const codes = [...Array(8).keys()];
      const exits = await Promise.all(codes.map((code) => bench.run(`sleep 0.1; exit ${code}`)));
      assert.deepEqual(
        exits.map(({ exitCode }) => exitCode),
        codes,
      );
    },
  },
];

const endCases: readonly RuntimeSuiteCase[] = [
  {
    title: "sends a signal that the program handles",
    async check(bench) {
      const id = await bench.start(untilTerm);
      await bench.outputHas(id, "ready");
      await bench.runtime.signal(id, SIGTERM);
      const { exitCode, signal } = await bench.runtime.wait(id);
      assert.deepEqual([exitCode, signal], [9, undefined]);
      await bench.runtime.delete(id);
    },
  },
  {
    title: "reports the signal that ended the program",
    async check(bench) {
      const id = await bench.start(untilTerm);
      await bench.runtime.signal(id, SIGKILL);
      const { exitCode, signal } = await bench.runtime.wait(id);
      assert.deepEqual([exitCode, signal], [128 + SIGKILL, SIGKILL]);
      await bench.runtime.delete(id);
    },
  },
  {
    title: "sends a signal to every process of a container",
    async check(bench) {
      const id = await bench.start(
        `sh -c "trap 'echo child; exit' TERM; echo ready; while :; do sleep 0.05; done" & wait; echo init; sleep 100`,
      );
      await bench.outputHas(id, "ready");
      await bench.runtime.signal(id, SIGTERM, { all: true });
      await bench.outputHas(id, "child");
      await bench.end(id);
    },
  },
  {
    title: "ends what the container started together with its init",
    async check(bench) {
      const id = await bench.start("sleep 1000 & sleep 1000 & exit 3");
      assert.equal((await bench.runtime.wait(id)).exitCode, 3);
      await bench.runtime.delete(id);
    },
  },
  {
    title: "answers many waiters, before the end and after it",
    async check(bench) {
      const id = await bench.start("read line; exit 5", { stdio: await bench.stdioWithFifo("fifo") });
      const early = [bench.runtime.wait(id), bench.runtime.wait(id)];
      await bench.runtime.signal(id, SIGKILL);
      const exits = await Promise.all([...early, bench.runtime.wait(id)]);
      const [first] = exits;
      for (const exit of exits) assert.deepEqual(exit, first);
      assert.deepEqual(await bench.runtime.wait(id), first);
      await bench.runtime.delete(id);
    },
  },
  {
    title: "stops waiting when it is told to, and leaves the container alone",
    async check(bench) {
      const id = await bench.start(untilTerm);
      const controller = new AbortController();
      const waiting = bench.runtime.wait(id, { signal: controller.signal });
      controller.abort();
      await assert.rejects(waiting, { code: "cancelled" });
      assert.equal((await bench.runtime.state(id)).status, "running");
      await bench.end(id);
    },
  },
  {
    title: "says when the container ended and what it used",
    async check(bench) {
      const before = Date.now();
      const exit = await bench.run("i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done");
      assert.ok(exit.exitedAtMs >= before - 1000 && exit.exitedAtMs <= Date.now() + 1000, String(exit.exitedAtMs));
      if (exit.usage === undefined) return;
      assert.ok(exit.usage.userMicroseconds + exit.usage.systemMicroseconds > 0);
      assert.ok(exit.usage.residentMaxBytes > 0);
    },
  },
  {
    title: "tells a runtime that is made later how a container ended",
    async check(bench) {
      const id = await bench.start("exit 11");
      await bench.runtime.wait(id);
      const later = await bench.another();
      assert.equal((await later.wait(id)).exitCode, 11);
      assert.equal((await later.state(id)).status, "stopped");
      assert.deepEqual(
        (await later.list()).map((state) => state.id),
        [id],
      );
      await later.delete(id);
    },
  },
  {
    title: "lets a runtime that is made later end a running container",
    async check(bench) {
      const id = await bench.start(untilTerm, { detached: true });
      await bench.outputHas(id, "ready");
      const later = await bench.another();
      assert.equal((await later.state(id)).status, "running");
      await later.signal(id, SIGTERM);
      assert.equal((await later.wait(id)).exitCode, 9);
      await later.delete(id);
    },
  },
];

const conflictCases: readonly RuntimeSuiteCase[] = [
  {
    title: "refuses an id that is taken, and leaves its container alone",
    async check(bench) {
      const id = await bench.start(untilTerm);
      await assert.rejects(bench.runtime.create(bench.request("true", { id })), { code: "exists" });
      assert.equal((await bench.runtime.state(id)).status, "running");
      await bench.end(id);
    },
  },
  {
    title: "refuses to start a container twice",
    async check(bench) {
      const id = await bench.start(untilTerm);
      await assert.rejects(bench.runtime.start(id), { code: "conflict" });
      await bench.runtime.signal(id, SIGKILL);
      await bench.runtime.wait(id);
      await assert.rejects(bench.runtime.start(id), { code: "conflict" });
      await bench.runtime.delete(id);
    },
  },
  {
    title: "refuses to delete a container that has not ended",
    async check(bench) {
      const request = bench.request(untilTerm);
      const { id } = request;
      await bench.runtime.create(request);
      await assert.rejects(bench.runtime.delete(id), { code: "conflict" });
      assert.equal((await bench.runtime.state(id)).status, "created");
      await bench.runtime.start(id);
      await assert.rejects(bench.runtime.delete(id), { code: "conflict" });
      assert.equal((await bench.runtime.state(id)).status, "running");
      await bench.end(id);
    },
  },
  {
    title: "refuses a signal to a container that has ended",
    async check(bench) {
      const id = await bench.start("exit 0");
      await bench.runtime.wait(id);
      await until("the container's end", async () =>
        (await bench.runtime.state(id)).status === "stopped" ? true : undefined,
      );
      await assert.rejects(bench.runtime.signal(id, SIGTERM), { code: "conflict" });
      await bench.runtime.delete(id);
    },
  },
  {
    title: "does not know a container that was never made, and deletes it by force without complaint",
    async check({ runtime }) {
      const unknown = { code: "not-found" };
      await assert.rejects(runtime.state("nobody"), unknown);
      await assert.rejects(runtime.start("nobody"), unknown);
      await assert.rejects(runtime.wait("nobody"), unknown);
      await assert.rejects(runtime.signal("nobody", SIGTERM), unknown);
      await assert.rejects(runtime.pids("nobody"), unknown);
      await assert.rejects(runtime.stats("nobody"), unknown);
      await assert.rejects(runtime.delete("nobody"), unknown);
      await runtime.delete("nobody", { force: true });
    },
  },
  {
    title: "makes nothing for a request that is cancelled from the start",
    async check(bench) {
      const request = bench.request("true", { signal: AbortSignal.abort() });
      await assert.rejects(bench.runtime.create(request), { code: "cancelled" });
      assert.deepEqual(await bench.runtime.list(), []);
    },
  },
];

/** The way from `create` to `delete`, how containers end, and what is refused. */
export const lifeCycleCases: readonly RuntimeSuiteCase[] = [...waysCases, ...endCases, ...conflictCases];
