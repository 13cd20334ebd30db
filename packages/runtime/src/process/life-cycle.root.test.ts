import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { type CreateRequest, EXECS_REMEMBERED_MIN, type State } from "@orlop/core";
import { bounded, type ProcessBench, until, withBench } from "./process-bench-fixture.ts";

const { SIGKILL, SIGTERM, SIGUSR1 } = constants.signals;

/** Runs until it is told to end, and says when it is ready for that. */
const untilTerm = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done";

const mebibyte = 1 << 20;

async function statusOf({ runtime }: ProcessBench, id: string): Promise<State["status"]> {
  return (await runtime.state(id)).status;
}

suite("the life of a container", () => {
  test("executes the program at start and not before", (t) =>
    withBench(t, async (bench) => {
      const { runtime, rootfs } = bench;
      const request = bench.request("echo ran >/marker; exit 7", { top: { annotations: { "org.example.a": "1" } } });
      const created = await runtime.create(request);
      assert.deepEqual(created, {
        ociVersion: "1.0.2",
        id: request.id,
        status: "created",
        pid: created.pid,
        bundle: bench.directory,
        annotations: { "org.example.a": "1" },
      });
      assert.match(readFileSync(`/proc/${created.pid}/comm`, "utf8"), /^orlop/);
      assert.equal(existsSync(join(rootfs, "marker")), false);
      await runtime.start(request.id);
      const { exitCode, signal, oomKilled } = await bounded("the wait", runtime.wait(request.id));
      assert.deepEqual([exitCode, signal, oomKilled], [7, undefined, false]);
      assert.ok(existsSync(join(rootfs, "marker")));
      const { pid: _, ...stopped } = { ...created, status: "stopped" };
      assert.deepEqual(await runtime.state(request.id), stopped);
      await runtime.delete(request.id);
      await assert.rejects(runtime.state(request.id), { code: "not-found" });
    }));

  test("gives the exit codes and signals of programs as a shell would", (t) =>
    withBench(t, async (bench) => {
      for (const [script, exitCode, signal] of [
        ["exit 0", 0, undefined],
        ["exit 255", 255, undefined],
        ["exit 137", 137, undefined],
      ] as const) {
        const exit = await bench.run(script);
        assert.deepEqual([script, exit.exitCode, exit.signal], [script, exitCode, signal]);
      }
      // A pid 1 is ended by no signal that it does not handle, except by SIGKILL from outside; a later pid by any.
      const outside = { linux: { namespaces: [{ type: "mount" }] } } as const;
      for (const [signal, changes] of [
        [SIGKILL, {}],
        [SIGTERM, outside],
        [SIGUSR1, outside],
      ] as const) {
        const id = await bench.start("echo ready; sleep 1000", changes);
        await bench.outputHas(id, "ready");
        await bench.runtime.signal(id, signal);
        const exit = await bounded("the wait", bench.runtime.wait(id));
        assert.deepEqual([exit.exitCode, exit.signal], [128 + signal, signal]);
        await bench.runtime.delete(id);
      }
    }));

  test("says when it ended and what it used", (t) =>
    withBench(t, async (bench) => {
      const before = Date.now();
      const { exitedAtMs, usage } = await bench.run("i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done");
      assert.ok(exitedAtMs >= before - 1 && exitedAtMs <= Date.now() + 1, `${before} ${exitedAtMs} ${Date.now()}`);
      assert(usage !== undefined);
      // The kernel may count in ticks, and in whole ones.
      assert.ok(usage.userMicroseconds + usage.systemMicroseconds > 0);
      assert.ok(usage.residentMaxBytes >= 4096 && usage.residentMaxBytes < 1024 * mebibyte);
    }));

  test("runs sixteen at once and confuses none", (t) =>
    withBench(t, async (bench) => {
      const codes = [...Array(16).keys()];
      const exits = await Promise.all(codes.map((code) => bench.run(`echo number ${code}; exit ${code}`)));
      assert.deepEqual(
        exits.map(({ exitCode, output }) => [exitCode, output]),
        codes.map((code) => [code, `number ${code}\n`]),
      );
    }));

  test("lists every container with its status", (t) =>
    withBench(t, async (bench) => {
      const { runtime } = bench;
      const created = bench.request("true");
      await runtime.create(created);
      const running = await bench.start("sleep 1000");
      const stopped = await bench.start("exit 1");
      await bounded("the wait", runtime.wait(stopped));
      const listed = (await runtime.list()).map(({ id, status }) => [id, status]).sort();
      const expected = [
        [created.id, "created"],
        [running, "running"],
        [stopped, "stopped"],
      ];
      assert.deepEqual(listed, expected.sort());
      for (const [id = ""] of expected) await runtime.delete(id, { force: true });
      assert.deepEqual(await runtime.list(), []);
    }));

  test("deletes by force what has not been started, what runs and what is paused", (t) =>
    withBench(t, async (bench) => {
      const created = bench.request("true");
      await bench.runtime.create(created);
      const running = await bench.start("sleep 1000 & sleep 1000");
      const paused = await bench.start("sleep 1000");
      await bench.runtime.pause(paused);
      for (const id of [created.id, running, paused]) {
        await bounded(`deleting ${id}`, bench.runtime.delete(id, { force: true }));
        await assert.rejects(bench.runtime.state(id), { code: "not-found" });
      }
    }));
});

/** Everything that the contract's table holds or refuses, tried on a container in each state. */
type Operation = "start" | "exec" | "signal" | "pause" | "resume" | "update" | "delete";
const allowed: Readonly<Record<"created" | "running" | "paused" | "stopped", ReadonlySet<Operation>>> = {
  created: new Set(["start", "signal", "pause", "update"]),
  running: new Set(["exec", "signal", "pause", "update"]),
  paused: new Set(["signal", "resume", "update"]),
  stopped: new Set(["delete"]),
};

async function bring(bench: ProcessBench, status: keyof typeof allowed): Promise<string> {
  if (status === "created") {
    const request = bench.request("sleep 1000");
    await bench.runtime.create(request);
    return request.id;
  }
  const id = await bench.start(status === "stopped" ? "true" : "sleep 1000");
  if (status === "paused") await bench.runtime.pause(id);
  if (status === "stopped") await bounded("the wait", bench.runtime.wait(id));
  return id;
}

function operate(bench: ProcessBench, id: string, operation: Operation): Promise<unknown> {
  const { runtime } = bench;
  switch (operation) {
    case "exec":
      return runtime.exec(bench.execRequest(id, "e", "true"));
    case "signal":
      return runtime.signal(id, SIGUSR1);
    case "update":
      return runtime.update(id, { pids: { limit: 100 } });
    default:
      return runtime[operation](id);
  }
}

suite("the table of the contract", () => {
  for (const [status, operations] of Object.entries(allowed)) {
    test(`holds for a ${status} container`, (t) =>
      withBench(t, async (bench) => {
        const asked: readonly Operation[] = ["start", "exec", "signal", "pause", "resume", "update", "delete"];
        for (const operation of asked) {
          const id = await bring(bench, status as keyof typeof allowed);
          const attempt = operate(bench, id, operation);
          if (operations.has(operation)) {
            await bounded(`${operation} of a ${status} container`, attempt);
          } else {
            await assert.rejects(bounded(operation, attempt), { code: "conflict", message: /^Cannot / }, operation);
            assert.equal(await statusOf(bench, id), status, `after a refused ${operation}`);
          }
          await bench.runtime.delete(id, { force: true });
        }
      }));
  }

  test("gives not-found for an unknown id, except when it is deleted by force", (t) =>
    withBench(t, async (bench) => {
      const { runtime } = bench;
      const unknown = { code: "not-found", message: /^Cannot find container "nobody"/ };
      for (const operation of ["start", "exec", "signal", "pause", "resume", "update", "delete"] as const) {
        await assert.rejects(operate(bench, "nobody", operation), unknown, operation);
      }
      for (const ask of ["state", "wait", "stats", "pids"] as const)
        await assert.rejects(runtime[ask]("nobody"), unknown);
      await runtime.delete("nobody", { force: true });
    }));

  test("refuses ids that are no file names", (t) =>
    withBench(t, async (bench) => {
      for (const id of ["", ".", "..", "a/b", "../x", "a b", "a\n"]) {
        const request: CreateRequest = { ...bench.request("true"), id };
        await assert.rejects(bench.runtime.create(request), { code: "invalid", message: /^Cannot / }, id);
        await assert.rejects(bench.runtime.delete(id, { force: true }), { code: "invalid" }, id);
      }
      const id = await bench.start("sleep 1000");
      for (const execId of ["", "..", "a/b"]) {
        await assert.rejects(bench.runtime.exec(bench.execRequest(id, execId, "true")), { code: "invalid" }, execId);
        await assert.rejects(bench.runtime.wait(id, { execId }), { code: "invalid" }, execId);
        await assert.rejects(bench.runtime.signal(id, SIGTERM, { execId }), { code: "invalid" }, execId);
        await assert.rejects(
          bench.runtime.resize(id, { rows: 1, columns: 1 }, { execId }),
          { code: "invalid" },
          execId,
        );
      }
      await bench.runtime.delete(id, { force: true });
    }));

  test("refuses an id that is taken and leaves its container alone, also while that is being made", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start(untilTerm);
      await assert.rejects(bench.runtime.create(bench.request("true", { request: { id } })), {
        code: "exists",
        message: `Cannot create container "${id}": a container of this id exists`,
      });
      assert.equal(await statusOf(bench, id), "running");
      await bench.runtime.delete(id, { force: true });
      const request = bench.request("exit 3");
      const results = await Promise.allSettled([bench.runtime.create(request), bench.runtime.create(request)]);
      assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
      await bench.runtime.start(request.id);
      assert.equal((await bounded("the wait", bench.runtime.wait(request.id))).exitCode, 3);
      await bench.runtime.delete(request.id);
    }));
});

suite("execs", () => {
  test("run in the container's namespaces and cgroups, beside each other, with exit codes of their own", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start(untilTerm);
      await bench.outputHas(id, "ready");
      const facts = (pid: string): string =>
        `for n in /proc/${pid}/ns/*; do readlink $n; done; cat /proc/${pid}/cgroup`;
      const codes = [...Array(6).keys()];
      await Promise.all(
        codes.map((code) => {
          const script = `(${facts("1")}) >/tmp/1-${code}; (${facts("$$")}) | cmp - /tmp/1-${code}; exit ${code}`;
          return bench.runtime.exec(bench.execRequest(id, `e${code}`, script));
        }),
      );
      for (const code of codes) {
        const exit = await bounded("the wait", bench.runtime.wait(id, { execId: `e${code}` }));
        assert.deepEqual([exit.exitCode, bench.output(`e${code}`), bench.output(`e${code}`, "err")], [code, "", ""]);
      }
      assert.equal(await statusOf(bench, id), "running");
      await bench.runtime.delete(id, { force: true });
    }));

  test("are what their process asks for, not what the container's is", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000", { process: { noNewPrivileges: true } });
      const script =
        'id -u; id -g; id -G; pwd; echo "$COLOUR"; umask; ulimit -n; grep -E "^(Cap|NoNew)" /proc/$$/status';
      const request = bench.execRequest(id, "as", script, {
        user: { uid: 1000, gid: 1000, additionalGids: [2000], umask: 0o027 },
        cwd: "/tmp",
        env: ["PATH=/bin", "COLOUR=green"],
        rlimits: [{ type: "RLIMIT_NOFILE", hard: 77n, soft: 66n }],
        capabilities: { bounding: ["CAP_KILL"] },
      });
      await bench.runtime.exec(request);
      assert.equal((await bounded("the wait", bench.runtime.wait(id, { execId: "as" }))).exitCode, 0);
      const none = "0000000000000000";
      const expected = `1000 1000 1000 2000 /tmp green 0027 66
        CapInh: ${none} CapPrm: ${none} CapEff: ${none} CapBnd: 0000000000000020 CapAmb: ${none} NoNewPrivs: 0`;
      assert.deepEqual(bench.output("as").split(/\s+/).join(" ").trim(), expected.split(/\s+/).join(" "));
      await bench.runtime.delete(id, { force: true });
    }));

  test("are signalled one by one, and end with their container", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000");
      for (const execId of ["term", "kill", "left"]) await bench.runtime.exec(bench.execRequest(id, execId, untilTerm));
      for (const execId of ["term", "kill", "left"]) await bench.outputHas(execId, "ready");
      await bench.runtime.signal(id, SIGTERM, { execId: "term" });
      const { exitCode } = await bounded("the wait", bench.runtime.wait(id, { execId: "term" }));
      assert.equal(exitCode, 9);
      await bench.runtime.signal(id, SIGKILL, { execId: "kill" });
      assert.equal((await bounded("the wait", bench.runtime.wait(id, { execId: "kill" }))).signal, SIGKILL);
      await assert.rejects(bench.runtime.signal(id, SIGTERM, { execId: "kill" }), { code: "conflict" });
      assert.equal(await statusOf(bench, id), "running");
      const left = bench.runtime.wait(id, { execId: "left" });
      await bench.runtime.signal(id, SIGKILL);
      assert.equal((await bounded("the wait", left)).signal, SIGKILL);
      await bounded("the wait", bench.runtime.wait(id));
      await bench.runtime.delete(id);
    }));

  test("that have ended are forgotten when there are many, those first that somebody has waited for", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000");
      const execs = join(bench.stateDirectory, id, "exec");
      await bench.exec(id, "collected", "exit 3");
      await bench.runtime.exec(bench.execRequest(id, "uncollected", "exit 4"));
      await until("the end", () => (existsSync(join(execs, "uncollected", "exit")) ? true : undefined));
      // As many more as it takes, without the time that it takes.
      for (let index = 0; index < 2 * EXECS_REMEMBERED_MIN; index++) {
        const copy = join(execs, `copy-${index}`);
        mkdirSync(copy);
        for (const name of ["exit", "collected"]) copyFileSync(join(execs, "collected", name), join(copy, name));
      }
      assert.equal(await bench.exec(id, "last", "echo works"), "works\n");
      assert.equal(readdirSync(execs).length, EXECS_REMEMBERED_MIN + 1);
      await assert.rejects(bench.runtime.wait(id, { execId: "collected" }), { code: "not-found" });
      assert.equal((await bench.runtime.wait(id, { execId: "uncollected" })).exitCode, 4);
      assert.equal(await bench.exec(id, "collected", "echo again"), "again\n");
      await bench.runtime.delete(id, { force: true });
    }));

  test("have ids of their own, which stay taken while their ends are remembered", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000");
      const unknown = { code: "not-found", message: /^Cannot find exec "unknown"/ };
      await assert.rejects(bench.runtime.wait(id, { execId: "unknown" }), unknown);
      await assert.rejects(bench.runtime.signal(id, SIGTERM, { execId: "unknown" }), unknown);
      assert.equal(await bench.exec(id, "taken", "echo first"), "first\n");
      const again = bench.runtime.exec(bench.execRequest(id, "taken", "echo second"));
      await assert.rejects(again, { code: "exists", message: /^Cannot exec "taken": / });
      assert.equal((await bench.runtime.wait(id, { execId: "taken" })).exitCode, 0);
      await bench.runtime.delete(id, { force: true });
    }));

  test("that cannot be made leave their id and the container as they were", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000");
      const process = { args: ["/no/such/program"] };
      for (let attempt = 0; attempt < 2; attempt++) {
        await assert.rejects(bench.runtime.exec(bench.execRequest(id, "e", "", process)), {
          code: "executable-not-found",
          message: /^Cannot execute "\/no\/such\/program": executable file not found/,
        });
      }
      assert.equal(await bench.exec(id, "e", "echo works"), "works\n");
      assert.equal((await bench.runtime.pids(id)).length, 1);
      await bench.runtime.delete(id, { force: true });
    }));
});

suite("waiting", () => {
  test("answers everybody, before the end and after it", (t) =>
    withBench(t, async (bench) => {
      const { runtime } = bench;
      const id = await bench.start("sleep 1000");
      const early = [runtime.wait(id), runtime.wait(id), bench.another().wait(id)];
      await runtime.signal(id, SIGKILL);
      const exits = await bounded("the waits", Promise.all(early));
      for (const exit of [...exits, await runtime.wait(id)]) assert.deepEqual(exit, exits[0]);
      await runtime.delete(id);
    }));

  test("can be given up, without harm to the container", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000");
      await bench.runtime.exec(bench.execRequest(id, "e", "sleep 1000"));
      for (const options of [{}, { execId: "e" }]) {
        const controller = new AbortController();
        const waiting = bench.runtime.wait(id, { ...options, signal: controller.signal });
        controller.abort();
        const aborted = bench.runtime.wait(id, { ...options, signal: AbortSignal.abort() });
        const cancelled = { code: "cancelled", message: /^Cannot wait for / };
        await assert.rejects(bounded("the wait", waiting), cancelled);
        await assert.rejects(bounded("the wait", aborted), cancelled);
      }
      assert.equal(await statusOf(bench, id), "running");
      await bench.runtime.delete(id, { force: true });
    }));

  test("ends when the container is deleted meanwhile", (t) =>
    withBench(t, async (bench) => {
      const request = bench.request("true");
      await bench.runtime.create(request);
      const waits = [bench.runtime.wait(request.id), bench.another().wait(request.id)];
      const ends = Promise.allSettled(waits);
      await bench.runtime.delete(request.id, { force: true });
      for (const end of await bounded("the waits", ends)) {
        // Either it saw the exit that the deletion caused, or that there is nothing any more.
        if (end.status === "fulfilled") assert.equal(end.value.signal, SIGKILL);
        else assert.equal(end.reason.code, "not-found");
      }
    }));
});

suite("signals, limits and figures", () => {
  test("reach every process of the container when asked to", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start(
        "sh -c \"trap 'echo child; exit' TERM; echo ready; while :; do sleep 0.05; done\" & sleep 1000; sleep 1000",
      );
      await bench.outputHas(id, "ready");
      await bench.runtime.signal(id, SIGTERM, { all: true });
      await bench.outputHas(id, "child");
      assert.equal(await statusOf(bench, id), "running");
      await bench.runtime.signal(id, SIGKILL, { all: true });
      assert.equal((await bounded("the wait", bench.runtime.wait(id))).signal, SIGKILL);
      await bench.runtime.delete(id);
    }));

  test("can be sent before the start, and end the container", (t) =>
    withBench(t, async (bench) => {
      const request = bench.request("echo ran");
      await bench.runtime.create(request);
      await bench.runtime.signal(request.id, SIGKILL);
      assert.equal((await bounded("the wait", bench.runtime.wait(request.id))).signal, SIGKILL);
      await assert.rejects(bench.runtime.start(request.id), { code: "conflict" });
      await bench.runtime.delete(request.id);
      assert.equal(bench.output(request.id), "");
    }));

  test("refuse a signal that does not exist", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000");
      for (const signal of [-1, 65, 1.5, Number.NaN]) {
        const invalid = { code: "invalid", message: /^Cannot signal container ".*": .*signal/ };
        await assert.rejects(bench.runtime.signal(id, signal), invalid, String(signal));
        await assert.rejects(bench.runtime.signal(id, signal, { all: true }), invalid, String(signal));
      }
      assert.equal(await statusOf(bench, id), "running");
      await bench.runtime.delete(id, { force: true });
    }));

  test("pauses everything in the container, and resumes it", (t) =>
    withBench(t, async (bench) => {
      const { runtime } = bench;
      const id = await bench.start("while :; do echo x; sleep 0.01; done");
      await bench.outputHas(id, "x");
      await runtime.pause(id);
      assert.equal(await statusOf(bench, id), "paused");
      assert.equal((await bench.another().state(id)).status, "paused");
      const { pid } = await runtime.state(id);
      const frozen = readFileSync(`/proc/${pid}/stat`, "utf8");
      await new Promise((resolve) => setTimeout(resolve, 50));
      // No context switch, no time used: the whole line stands still.
      assert.equal(readFileSync(`/proc/${pid}/stat`, "utf8"), frozen);
      await runtime.resume(id);
      const length = bench.output(id).length;
      await until("more output", () => (bench.output(id).length > length ? true : undefined));
      assert.equal(await statusOf(bench, id), "running");
      await runtime.delete(id, { force: true });
    }));

  test("reads figures and process ids, and changes limits, also those of the other runtime", (t) =>
    withBench(t, async (bench) => {
      const resources = { memory: { limit: 64n * BigInt(mebibyte) }, pids: { limit: 40n } };
      const id = await bench.start("sleep 1000 & echo ready; wait", { linux: { resources } });
      await bench.outputHas(id, "ready");
      for (const runtime of [bench.runtime, bench.another()]) {
        const { cpu, memory, pids } = await runtime.stats(id);
        assert.ok((cpu?.usageNanoseconds ?? 0n) > 0n);
        assert.ok((memory?.usageBytes ?? 0n) > 0n);
        assert.deepEqual([memory?.oomKills, pids?.current], [0n, 2]);
        const { pid = 0 } = await runtime.state(id);
        const listed = await runtime.pids(id);
        assert.deepEqual([listed.length, listed.includes(pid)], [2, true]);
      }
      assert.equal((await bench.runtime.stats(id)).memory?.limitBytes, 64n * BigInt(mebibyte));
      await bench.another().update(id, { memory: { limit: 128n * BigInt(mebibyte) }, pids: { limit: 60n } });
      const { memory, pids } = await bench.runtime.stats(id);
      assert.deepEqual([memory?.limitBytes, pids?.limit], [128n * BigInt(mebibyte), 60]);
      await assert.rejects(
        bench.runtime.update(id, { hugepageLimits: [{ pageSize: "3MB", limit: 1n }] }),
        /^OrlopError: Cannot /,
      );
      await bench.runtime.delete(id, { force: true });
    }));

  test("says that the kernel killed something for lack of memory, and when it did not", (t) =>
    withBench(t, async (bench) => {
      const limit = 16n * BigInt(mebibyte);
      const memory = { limit, swap: limit };
      const grow = "a=0123456789abcdef; while :; do a=$a$a; done";
      const init = await bench.run(grow, { linux: { resources: { memory } } });
      assert.deepEqual([init.oomKilled, init.exitCode, init.signal], [true, 137, SIGKILL]);
      const child = await bench.run(`sh -c '${grow}'; exit 3`, { linux: { resources: { memory } } });
      assert.deepEqual([child.oomKilled, child.exitCode], [true, 3]);
      const neither = await bench.run("exit 137", { linux: { resources: { memory } } });
      assert.deepEqual([neither.oomKilled, neither.exitCode], [false, 137]);
      const id = await bench.start("sleep 1000", { linux: { resources: { memory } } });
      for (const [execId, script, oomKilled, exitCode] of [
        ["small", "exit 4", false, 4],
        ["large", `sh -c '${grow}'; exit 5`, true, 5],
      ] as const) {
        await bench.runtime.exec(bench.execRequest(id, execId, script));
        const exec = await bounded("the wait for an exec", bench.runtime.wait(id, { execId }));
        assert.deepEqual([exec.oomKilled, exec.exitCode], [oomKilled, exitCode]);
      }
      await bench.runtime.delete(id, { force: true });
    }));
});
