import assert from "node:assert/strict";
import { writeSync } from "node:fs";
import { suite, type TestContext, test } from "node:test";
import type { LinuxSeccomp } from "@orlop/core";
import { failAt, killAt, stepAt } from "./faulty-program-fixture.ts";
import { bounded, type ProcessBench, until, withBench } from "./process-bench-fixture.ts";
import { agentObstacle, SeccompAgent } from "./seccomp-agent-fixture.ts";

const ENOMEDIUM = 123;
const GO_ON = 0;

function listened(bench: ProcessBench, names: readonly string[], more: Partial<LinuxSeccomp> = {}): LinuxSeccomp {
  return {
    defaultAction: "SCMP_ACT_ALLOW",
    listenerPath: bench.path("agent.sock"),
    listenerMetadata: 'for the "agent"',
    syscalls: [{ names, action: "SCMP_ACT_NOTIFY" }],
    ...more,
  };
}

async function withAgent(
  t: TestContext,
  errno: number,
  work: (bench: ProcessBench, agent: SeccompAgent) => Promise<void>,
): Promise<void> {
  const obstacle = agentObstacle();
  if (obstacle !== undefined) return t.skip(obstacle);
  await withBench(t, async (bench) => {
    await using agent = await SeccompAgent.listen(bench.path("agent.sock"), errno);
    await work(bench, agent);
  });
}

suite("a seccomp listener", () => {
  for (const noNewPrivileges of [false, true]) {
    const how = noNewPrivileges ? "installed late" : "installed early";
    test(`gets the descriptor and the container's state, and answers, the filter ${how}`, (t) =>
      withAgent(t, ENOMEDIUM, async (bench, agent) => {
        const seccomp = listened(bench, ["mkdir", "mkdirat"]);
        const request = bench.request("mkdir /made 2>&1", {
          process: { noNewPrivileges },
          linux: { seccomp },
          top: { annotations: { "org.example.key": "värde" } },
        });
        const { pid } = await bench.runtime.create(request);
        assert.deepEqual(agent.states, [], "nothing is handed over before the start");
        await bench.runtime.start(request.id);
        await bounded("the wait", bench.runtime.wait(request.id));
        assert.match(bench.output(request.id), /made.*: No medium found/);
        const state = {
          ociVersion: "1.0.2",
          id: request.id,
          status: "creating",
          pid,
          bundle: bench.directory,
          annotations: { "org.example.key": "värde" },
        };
        const message = { ociVersion: "1.3.0", fds: ["seccompFd"], pid, metadata: 'for the "agent"', state };
        await agent.hasStates(1);
        assert.deepEqual(agent.states, [[message, 1]]);
        await bench.runtime.delete(request.id);
      }));

    test(`may be told of calls that the runtime makes itself, the filter ${how}`, (t) =>
      withAgent(t, GO_ON, async (bench, agent) => {
        const seccomp = listened(bench, [
          "execve",
          "openat",
          "read",
          "close",
          "fcntl",
          "prctl",
          "chdir",
          "close_range",
        ]);
        const { exitCode } = await bench.run("exit 3", { process: { noNewPrivileges }, linux: { seccomp } });
        assert.equal(exitCode, 3);
        await until("the calls", () => (agent.calls.length > 2 ? true : undefined));
      }));

    test(`gets another descriptor for every exec, the filter ${how}`, (t) =>
      withAgent(t, ENOMEDIUM, async (bench, agent) => {
        const seccomp = listened(bench, ["mkdir", "mkdirat"]);
        const id = await bench.start("echo ready; sleep 1000", { process: { noNewPrivileges }, linux: { seccomp } });
        const init = (await bench.runtime.state(id)).pid;
        const request = bench.execRequest(id, "e1", "mkdir /made 2>&1", { noNewPrivileges });
        const { pid } = await bench.runtime.exec(request);
        await bounded("the wait", bench.runtime.wait(id, { execId: "e1" }));
        assert.match(bench.output("e1"), /made.*: No medium found/);
        await agent.hasStates(2);
        const message = agent.states.find(([message]) => message.pid === pid)?.[0];
        assert.deepEqual([message?.state.pid, message?.state.status], [init, "running"]);
        await bench.runtime.delete(id, { force: true });
      }));
  }

  test("is served by the small init, too", (t) =>
    withAgent(t, ENOMEDIUM, async (bench, agent) => {
      const linux = { seccomp: listened(bench, ["mkdir", "mkdirat"]) };
      const { output } = await bench.run("mkdir /made 2>&1", { linux, request: { init: true } });
      assert.match(output, /made.*: No medium found/);
      await agent.hasStates(1);
    }));

  test("makes waiting calls killable where the config asks for it", (t) =>
    withAgent(t, ENOMEDIUM, async (bench) => {
      const flags = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "SECCOMP_FILTER_FLAG_TSYNC"] as const;
      const { output } = await bench.run("mkdir /made 2>&1", {
        linux: { seccomp: listened(bench, ["mkdir", "mkdirat"], { flags }) },
      });
      assert.match(output, /made.*: No medium found/);
    }));

  test("that goes away leaves calls that the kernel does not have", (t) =>
    withAgent(t, ENOMEDIUM, async (bench, agent) => {
      const linux = { seccomp: listened(bench, ["mkdir", "mkdirat"]) };
      const id = await bench.start("echo ready; read word; mkdir /made 2>&1", {
        linux,
        request: { stdio: { ...bench.stdio("gone"), stdin: { path: bench.fifo("in") } } },
      });
      const input = bench.open(bench.path("in"));
      await bench.outputHas("gone", "ready");
      await agent.end();
      writeSync(input, "word\n");
      await bounded("the wait", bench.runtime.wait(id));
      assert.match(bench.output("gone"), /made.*: Function not implemented/);
      await bench.runtime.delete(id);
    }));

  test("that is not there fails the start by the field, and nothing is left", (t) =>
    withBench(t, async (bench) => {
      const linux = { seccomp: listened(bench, ["mkdir"]) };
      await assert.rejects(bench.runtime.run(bench.request("true", { linux })), {
        name: "OrlopError",
        code: "not-found",
        field: "linux.seccomp.listenerPath",
        message: /^Cannot use seccomp listener ".*agent.sock": failed to connect with seccomp agent: no such file/,
      });
      const id = await bench.start("sleep 1000");
      await bench.runtime.delete(id, { force: true });
    }));

  test("is not needed by a filter that notifies of nothing", (t) =>
    withBench(t, async (bench) => {
      const seccomp = listened(bench, ["mkdir"], { syscalls: [] });
      assert.equal((await bench.run("exit 4", { linux: { seccomp } })).exitCode, 4);
    }));

  test("leaves nothing and keeps nobody waiting, whatever its courier fails at", (t) =>
    withAgent(t, GO_ON, async (bench) => {
      const linux = { seccomp: listened(bench, ["mkdir"]) };
      for (const breakAt of [(...where: Parameters<typeof killAt>) => failAt(...where, "EIO"), killAt]) {
        let count = Number.POSITIVE_INFINITY;
        for (let at = 0; at < count; at++) {
          bench.mutate = (program) => {
            const calls = [...program.instructions.keys()].filter(
              (index) => stepAt(program, index).role === "courier" && program.instructions[index]?.op === "syscall",
            );
            count = Math.min(count, calls.length);
            const index = calls[at];
            return index === undefined ? program : breakAt(program, index);
          };
          const request = bench.request("exit 0", { linux });
          await bounded("the start", bench.runtime.run(request)).catch(({ message }) =>
            assert.match(message, /^Cannot /),
          );
          await bench.runtime.delete(request.id, { force: true });
        }
        assert.ok(count > 10);
      }
      bench.mutate = (program) => program;
    }));
});
