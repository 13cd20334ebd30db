import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import type { ExecCPUAffinity, Process } from "@orlop/core";
import { bounded, type ProcessBench, withBench } from "./process-bench-fixture.ts";

/** The last CPU that this process may run on. */
function lastCpu(): string {
  const [, list = "0"] = /^Cpus_allowed_list:\t(.*)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return list.split(/[-,]/).at(-1) ?? "0";
}

const showCpus = "grep Cpus_allowed_list /proc/self/status";

async function cpusOfExec(bench: ProcessBench, id: string, name: string, process: Partial<Process>): Promise<string> {
  await bench.runtime.exec(bench.execRequest(id, name, showCpus, process));
  await bounded("the wait", bench.runtime.wait(id, { execId: name }));
  return bench.output(name).trim().split("\t")[1] ?? "";
}

suite("the CPUs of an exec", () => {
  test("are those that it asks for, or else the config of the container", (t) =>
    withBench(t, async (bench) => {
      const cpu = lastCpu();
      const plain = await bench.start("sleep 1000");
      const affinity: ExecCPUAffinity = { initial: cpu, final: cpu };
      assert.equal(await cpusOfExec(bench, plain, "own", { execCPUAffinity: affinity }), cpu);
      const all = await cpusOfExec(bench, plain, "none", {});
      const config = { process: { execCPUAffinity: affinity } };
      const pinned = await bench.start(`${showCpus}; sleep 1000`, config);
      await bench.outputHas(pinned, "Cpus_allowed_list");
      assert.ok(bench.output(pinned).includes(`\t${all}\n`), "the first process is not concerned");
      assert.equal(await cpusOfExec(bench, pinned, "config", {}), cpu);
      for (const id of [plain, pinned]) await bench.runtime.delete(id, { force: true });
    }));

  test("that are not there fail it by the field", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start("sleep 1000");
      for (const moment of ["initial", "final"] as const) {
        const request = bench.execRequest(id, moment, "true", { execCPUAffinity: { [moment]: "9000" } });
        await assert.rejects(bench.runtime.exec(request), {
          code: "invalid",
          field: `process.execCPUAffinity.${moment}`,
          message: /^Cannot run on CPUs "9000": no CPU of the list is there/,
        });
      }
      await bench.runtime.delete(id, { force: true });
    }));
});

suite("a memory policy", () => {
  const showPolicy = "cut -d' ' -f2 /proc/self/numa_maps | sort -u";

  test("is the one that the container's memory has", (t) =>
    withBench(t, async (bench) => {
      for (const [memoryPolicy, expected] of [
        [{ mode: "MPOL_BIND", nodes: "0" }, "bind:0"],
        [{ mode: "MPOL_INTERLEAVE", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] }, "interleave=static:0"],
        [{ mode: "MPOL_PREFERRED", nodes: "0" }, "prefer:0"],
        [{ mode: "MPOL_LOCAL" }, "local"],
        [{ mode: "MPOL_DEFAULT" }, "default"],
      ] as const) {
        const { output } = await bench.run(showPolicy, { linux: { memoryPolicy } });
        assert.ok(output.split("\n").includes(expected), `${expected}: ${output}`);
      }
    }));

  test("for nodes that are not there is refused by the field", (t) =>
    withBench(t, async (bench) => {
      const linux = { memoryPolicy: { mode: "MPOL_BIND", nodes: "63" } } as const;
      await assert.rejects(bench.runtime.create(bench.request("true", { linux })), {
        code: "invalid",
        field: "linux.memoryPolicy",
        message: /^Cannot set memory policy MPOL_BIND for nodes "63": the machine does not have these memory nodes/,
      });
    }));
});
