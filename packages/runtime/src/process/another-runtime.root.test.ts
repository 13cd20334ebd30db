import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { suite, test } from "node:test";
import { spawnMaker } from "./maker-fixture.ts";
import { bounded, type ProcessBench, until, withBench } from "./process-bench-fixture.ts";

const { SIGKILL, SIGTERM } = constants.signals;
const untilTerm = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done";

/** Whether the process, not a zombie, is there. */
function lives(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function stops(bench: ProcessBench, id: string): Promise<void> {
  await until(`the end of ${id}`, async () =>
    (await bench.runtime.state(id)).status === "stopped" ? true : undefined,
  );
}

function parentOf(pid: number): number {
  return Number(/^PPid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

suite("a container that another process made", () => {
  test("is seen, listed, executed into, paused, signalled, waited for and deleted", (t) =>
    withBench(t, async (bench) => {
      const { runtime } = bench;
      const request = bench.request(untilTerm, { top: { annotations: { "org.example.a": "b" } } });
      const { id } = request;
      await using maker = await spawnMaker({ root: bench.stateDirectory, requests: [request], upTo: "run" });
      await bench.outputHas(id, "ready");
      const state = await runtime.state(id);
      assert.deepEqual([state.status, state.annotations], ["running", { "org.example.a": "b" }]);
      assert.deepEqual(await runtime.list(), [state]);
      assert.equal(parentOf(parentOf(state.pid ?? 0)), maker.zygotePid);
      assert.equal(
        await bench.exec(id, "hello", "hostname; echo $((1+1))"),
        `${await bench.exec(id, "name", "hostname")}2\n`,
      );
      await assert.rejects(runtime.create(request), { code: "exists" });
      await runtime.pause(id);
      assert.equal((await runtime.state(id)).status, "paused");
      await runtime.resume(id);
      await runtime.update(id, { pids: { limit: 30n } });
      assert.equal((await runtime.stats(id)).pids?.limit, 30);
      const waiting = runtime.wait(id);
      await runtime.signal(id, SIGTERM);
      assert.equal((await bounded("the wait", waiting)).exitCode, 9);
      await runtime.delete(id);
      await assert.rejects(runtime.state(id), { code: "not-found" });
    }));

  test("is started, and deleted before its start", (t) =>
    withBench(t, async (bench) => {
      const requests = [bench.request("exit 5"), bench.request("exit 6")];
      const [started, unstarted] = requests.map(({ id }) => id) as [string, string];
      await using _ = await spawnMaker({ root: bench.stateDirectory, requests, upTo: "create" });
      await bench.runtime.start(started);
      assert.equal((await bounded("the wait", bench.runtime.wait(started))).exitCode, 5);
      await bench.runtime.delete(started);
      await bounded("the deletion", bench.runtime.delete(unstarted, { force: true }));
    }));

  test("that has no program to execute cannot be started, and says why", (t) =>
    withBench(t, async (bench) => {
      const request = bench.request("", { process: { args: ["/no/such/program"] } });
      await using _ = await spawnMaker({ root: bench.stateDirectory, requests: [request], upTo: "create" });
      await assert.rejects(bounded("the start", bench.runtime.start(request.id)), {
        code: "executable-not-found",
        message: /^Cannot execute "\/no\/such\/program": executable file not found/,
      });
      assert.deepEqual(await bench.runtime.list(), []);
    }));
});

suite("the death of the process that made a container", () => {
  test("leaves a detached one running, whose exit is found later", (t) =>
    withBench(t, async (bench) => {
      const { runtime } = bench;
      const fifo = bench.fifo("end");
      const requests = ["read x </end; exit 12", "exit 13"].map((script) =>
        bench.request(script, { request: { detached: true } }),
      );
      const mounts = [...(bench.spec([]).mounts ?? []), { destination: "/end", source: fifo, options: ["bind"] }];
      const [lasting, short] = requests.map((request) => ({ ...request, spec: { ...request.spec, mounts } }));
      assert(lasting !== undefined && short !== undefined);
      const maker = await spawnMaker({ root: bench.stateDirectory, requests: [lasting, short], upTo: "run" });
      const { pid = 0 } = await runtime.state(lasting.id);
      await maker.kill();
      await until("the end of the zygote", () => (lives(maker.zygotePid) ? undefined : true));
      assert.equal((await bounded("the wait", runtime.wait(short.id))).exitCode, 13);
      assert.equal((await runtime.state(lasting.id)).pid, pid);
      assert.equal(await bench.exec(lasting.id, "e", "echo alive"), "alive\n");
      const waiting = runtime.wait(lasting.id);
      await runtime.signal(lasting.id, SIGKILL);
      assert.equal((await bounded("the wait", waiting)).signal, SIGKILL);
      for (const { id } of [lasting, short]) await runtime.delete(id);
    }));

  test("leaves a detached one that waits for its start", (t) =>
    withBench(t, async (bench) => {
      const request = bench.request("exit 14", { request: { detached: true } });
      const maker = await spawnMaker({ root: bench.stateDirectory, requests: [request], upTo: "create" });
      await maker.kill();
      await until("the end of the zygote", () => (lives(maker.zygotePid) ? undefined : true));
      assert.equal((await bench.runtime.state(request.id)).status, "created");
      await bench.runtime.start(request.id);
      assert.equal((await bounded("the wait", bench.runtime.wait(request.id))).exitCode, 14);
      await bench.runtime.delete(request.id);
    }));

  for (const upTo of ["create", "run"] as const) {
    test(`ends one that is not detached, after ${upTo}, and its record says so`, (t) =>
      withBench(t, async (bench) => {
        const request = bench.request("sleep 1000 & sleep 1000");
        const maker = await spawnMaker({ root: bench.stateDirectory, requests: [request], upTo });
        const { pid = 0 } = await bench.runtime.state(request.id);
        await maker.kill();
        await stops(bench, request.id);
        await until("the end of init", () => (lives(pid) ? undefined : true));
        assert.equal((await bounded("the wait", bench.runtime.wait(request.id))).signal, SIGKILL);
        await bench.runtime.delete(request.id);
      }));
  }

  test("of its zygote alone changes nothing for it, and another zygote is started", (t) =>
    withBench(t, async (bench) => {
      const { runtime } = bench;
      const requests = [bench.request(untilTerm), bench.request("exit 21")];
      const [running, created] = requests as [(typeof requests)[0], (typeof requests)[0]];
      await runtime.run(running);
      await runtime.create(created);
      const { zygote } = bench;
      process.kill(zygote.pid ?? 0, "SIGKILL");
      await until("the end of the zygote", () => (zygote.alive ? undefined : true));
      assert.equal((await runtime.state(running.id)).status, "running");
      await runtime.start(created.id);
      assert.equal((await bounded("the wait", runtime.wait(created.id))).exitCode, 21);
      assert.equal(await bench.exec(running.id, "e", "echo still"), "still\n");
      assert.equal((await bench.run("exit 22")).exitCode, 22);
      assert.notEqual(bench.zygote, zygote);
      await bench.outputHas(running.id, "ready");
      await runtime.signal(running.id, SIGTERM);
      assert.equal((await bounded("the wait", runtime.wait(running.id))).exitCode, 9);
      for (const { id } of requests) await runtime.delete(id);
    }));
});

suite("the death of a container's reaper", () => {
  test("ends what is not detached, and nobody waits in vain", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000");
      const { pid = 0 } = await bench.runtime.state(id);
      const waits = [bench.runtime.wait(id), bench.another().wait(id)];
      const ends = Promise.allSettled(waits);
      process.kill(parentOf(pid), "SIGKILL");
      for (const end of await bounded("the waits", ends)) {
        assert(end.status === "rejected");
        assert.equal(end.reason.code, "failed");
        assert.match(end.reason.message, /^Cannot .*: its reaper was killed/);
      }
      await stops(bench, id);
      await assert.rejects(bounded("the wait", bench.runtime.wait(id)), { code: "failed" });
      await bench.runtime.delete(id);
    }));

  test("leaves a detached one running, which is still seen and can be deleted by force", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000 & sleep 1000", { request: { detached: true } });
      const { pid = 0 } = await bench.runtime.state(id);
      process.kill(parentOf(pid), "SIGKILL");
      await until("the end of the reaper", () => (parentOf(pid) === 1 ? true : undefined));
      assert.equal((await bench.runtime.state(id)).status, "running");
      await assert.rejects(bounded("the wait", bench.another().wait(id)), { code: "failed" });
      await bench.runtime.delete(id, { force: true });
      assert.equal(lives(pid), false);
    }));
});
