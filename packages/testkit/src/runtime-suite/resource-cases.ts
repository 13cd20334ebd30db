import assert from "node:assert/strict";
import { untilTerm } from "./life-cycle-cases.ts";
import { type RuntimeBench, until } from "./runtime-bench.ts";
import type { RuntimeSuiteCase } from "./suite-case.ts";

const mebibyte = 1 << 20;

/** A script that grows its output while it runs. */
const counting = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done";

async function grows(bench: RuntimeBench, id: string, forMs: number): Promise<boolean> {
  const before = bench.output(id).length;
  await new Promise((resolve) => setTimeout(resolve, forMs));
  return bench.output(id).length > before;
}

/** Pausing, limits, figures and process ids. */
export const resourceCases: readonly RuntimeSuiteCase[] = [
  {
    title: "pauses every process of a container and resumes them",
    needs: "pause",
    async check(bench) {
      const { runtime } = bench;
      const id = await bench.start(counting);
      await bench.outputHas(id, "1\n");
      await runtime.pause(id);
      assert.equal((await runtime.state(id)).status, "paused");
      // What was written before the pause may still arrive.
      await grows(bench, id, 50);
      assert.equal(await grows(bench, id, 150), false);
      await assert.rejects(runtime.pause(id), { code: "conflict" });
      await runtime.resume(id);
      assert.equal((await runtime.state(id)).status, "running");
      const length = bench.output(id).length;
      await until("more output", () => (bench.output(id).length > length ? true : undefined));
      await assert.rejects(runtime.resume(id), { code: "conflict" });
      await bench.end(id);
    },
  },
  {
    title: "deletes a paused container by force",
    needs: "pause",
    async check(bench) {
      const id = await bench.start(untilTerm);
      await bench.runtime.pause(id);
      await bench.runtime.delete(id, { force: true });
      await assert.rejects(bench.runtime.state(id), { code: "not-found" });
    },
  },
  {
    title: "refuses to pause a container that is not running",
    needs: "pause",
    async check(bench) {
      const id = await bench.start("exit 0");
      await bench.runtime.wait(id);
      await assert.rejects(bench.runtime.pause(id), { code: "conflict" });
      await bench.runtime.delete(id);
    },
  },
  {
    title: "refuses to pause, to update and to checkpoint where it cannot",
    async check(bench, features) {
      const { runtime } = bench;
      const id = await bench.start(untilTerm);
      const unsupported = { code: "unsupported" };
      if (!features.pause) await assert.rejects(runtime.pause(id), unsupported);
      if (!features.pause) await assert.rejects(runtime.resume(id), unsupported);
      if (!features.update) await assert.rejects(runtime.update(id, { pids: { limit: 10 } }), unsupported);
      const imagePath = bench.path("checkpoint");
      if (!features.checkpoint) await assert.rejects(runtime.checkpoint(id, { imagePath }), unsupported);
      assert.equal((await runtime.state(id)).status, "running");
      await bench.end(id);
    },
  },
  {
    title: "limits a container and changes the limit while it runs",
    needs: "update",
    async check(bench) {
      const id = bench.newId();
      const spec = bench.spec(id, { args: ["/bin/sh", "-c", untilTerm] });
      const resources = { ...spec.linux?.resources, pids: { limit: 40 } };
      await bench.start("", { id, spec: { ...spec, linux: { ...spec.linux, resources } } });
      assert.equal((await bench.runtime.stats(id)).pids?.limit, 40);
      await bench.runtime.update(id, { pids: { limit: 60 } });
      assert.equal((await bench.runtime.stats(id)).pids?.limit, 60);
      await bench.end(id);
    },
  },
  {
    title: "says that the kernel killed something for lack of memory",
    async check(bench) {
      const id = bench.newId();
      // A string that doubles: it passes any limit within a moment, in the shell's own memory.
      const script = "a=0123456789abcdef; while :; do a=$a$a; done";
      const spec = bench.spec(id, { args: ["/bin/sh", "-c", script] });
      const memory = { limit: 16 * mebibyte, swap: 16 * mebibyte };
      const resources = { ...spec.linux?.resources, memory };
      const exit = await bench.run("", { id, spec: { ...spec, linux: { ...spec.linux, resources } } });
      assert.deepEqual([exit.oomKilled, exit.exitCode], [true, 137]);
    },
  },
  {
    title: "reads figures of a running container",
    async check(bench) {
      const id = await bench.start("i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; echo ready; sleep 1000");
      await bench.outputHas(id, "ready");
      const stats = await bench.runtime.stats(id);
      assert.ok(Math.abs(stats.readAtMs - Date.now()) < 60_000);
      if (stats.cpu !== undefined) assert.ok(stats.cpu.usageNanoseconds > 0n);
      if (stats.memory !== undefined) {
        assert.ok(stats.memory.usageBytes > 0n);
        assert.ok(stats.memory.workingSetBytes <= stats.memory.usageBytes);
      }
      if (stats.pids !== undefined) assert.ok(stats.pids.current >= 1);
      await bench.end(id);
    },
  },
  {
    title: "lists the processes of a container",
    async check(bench) {
      const id = await bench.start("sleep 1000 & sleep 1000 & echo ready; wait");
      await bench.outputHas(id, "ready");
      const pids = await bench.runtime.pids(id);
      const { pid } = await bench.runtime.state(id);
      if (pids.length > 0) {
        assert.equal(pids.length, 3);
        if (pid !== undefined) assert.ok(pids.includes(pid));
      }
      await bench.end(id);
    },
  },
];
