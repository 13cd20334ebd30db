import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import type { ExecCPUAffinity, Linux, OrlopError, Process } from "@orlop/core";
import { CAPABILITIES } from "@orlop/kernel";
import { spawnMaker } from "./maker-fixture.ts";
import { bounded, type ProcessBench, withBench } from "./process-bench-fixture.ts";

function allowedCpus(): string {
  return /^Cpus_allowed_list:\t(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
}

/** The last CPU that this process may run on. */
function lastCpu(): string {
  return allowedCpus().split(/[-,]/).at(-1) ?? "0";
}

const showCpus = "grep Cpus_allowed_list /proc/self/status";

async function cpusOfExec(bench: ProcessBench, id: string, name: string, process: Partial<Process>): Promise<string> {
  await bench.runtime.exec(bench.execRequest(id, name, showCpus, process));
  await bounded("the wait", bench.runtime.wait(id, { execId: name }));
  return bench.output(name).trim().split("\t")[1] ?? "";
}

suite("the CPUs of a container", () => {
  test("are its cgroup's and not those of the runtime's caller", (t) =>
    withBench(t, async (bench) => {
      const all = (await bench.run(showCpus)).output;
      if (!/[-,]/.test(all)) return t.skip("needs a second CPU");
      const request = bench.request(`${showCpus}; sleep 1000`);
      const orders = { root: bench.stateDirectory, requests: [request], upTo: "run" } as const;
      await using _ = await spawnMaker(orders, ["taskset", "-c", lastCpu()]);
      await bench.outputHas(request.id, "Cpus_allowed_list");
      assert.equal(bench.output(request.id), all);
      await bench.runtime.delete(request.id, { force: true });
      const cpus = lastCpu();
      assert.equal(
        (await bench.run(showCpus, { linux: { resources: { cpu: { cpus } } } })).output,
        `Cpus_allowed_list:\t${cpus}\n`,
      );
    }));
});

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

const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];

function inUserNamespace(bench: ProcessBench): Partial<Linux> {
  const namespaces = [...(bench.spec([]).linux?.namespaces ?? []), { type: "user" } as const];
  return { namespaces, uidMappings: ids, gidMappings: ids };
}

suite("resource limits in a user namespace", () => {
  const showFiles = "ulimit -Sn; ulimit -Hn";

  test("are those of the config, and of the exec", (t) =>
    withBench(t, async (bench) => {
      const linux = inUserNamespace(bench);
      const rlimits = [
        { type: "RLIMIT_NOFILE", soft: 66n, hard: 77n },
        { type: "RLIMIT_CORE", soft: 0n, hard: 0n },
      ] as const;
      const id = await bench.start(`${showFiles}; sleep 1000`, { linux, process: { rlimits } });
      await bench.outputHas(id, "77\n");
      assert.equal(bench.output(id), "66\n77\n");
      const own = [{ type: "RLIMIT_NOFILE", soft: 44n, hard: 55n }] as const;
      await bench.runtime.exec(bench.execRequest(id, "e", showFiles, { rlimits: own }));
      await bounded("the wait", bench.runtime.wait(id, { execId: "e" }));
      assert.equal(bench.output("e"), "44\n55\n");
      await bench.runtime.delete(id, { force: true });
    }));

  test("may be higher than the caller's, which root outside decides", (t) => {
    const [, capabilities = "0"] = /^CapEff:\t(.*)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    const may = (BigInt(`0x${capabilities}`) >> BigInt(CAPABILITIES.indexOf("CAP_SYS_RESOURCE"))) & 1n;
    if (may === 0n) return t.skip("needs CAP_SYS_RESOURCE");
    return withBench(t, async (bench) => {
      const [, hard = "0"] = /^Max msgqueue size +\d+ +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
      const more = BigInt(hard) + 1n;
      const rlimits = [{ type: "RLIMIT_MSGQUEUE", soft: more, hard: more }] as const;
      const script = "grep 'Max msgqueue' /proc/self/limits";
      const { output } = await bench.run(script, { linux: inUserNamespace(bench), process: { rlimits } });
      assert.match(output, new RegExp(`size +${more} +${more} `));
    });
  });

  test("that nobody may set fail it by the field, and leave nothing", (t) =>
    withBench(t, async (bench) => {
      const rlimits = [{ type: "RLIMIT_NOFILE", soft: 1n << 40n, hard: 1n << 40n }] as const;
      await assert.rejects(bench.start("true", { linux: inUserNamespace(bench), process: { rlimits } }), {
        errno: "EPERM",
        field: "process.rlimits[0]",
      });
    }));
});

suite("a scheduler", () => {
  const deadline = {
    policy: "SCHED_DEADLINE",
    flags: ["SCHED_FLAG_RESET_ON_FORK"],
    runtime: 500_000n,
    deadline: 1_000_000n,
    period: 1_000_000n,
  } as const;
  /** Fields of proc_pid_stat(5): nice, policy. */
  const show = `read -r line </proc/self/stat; set -- \${line##*)}; echo \${17} \${39}`;

  test("is the one of the config, and of the exec, deadlines too", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start(`${show}; sleep 1000`, { process: { scheduler: deadline } });
      await bench.outputHas(id, "\n");
      assert.equal(bench.output(id), "0 6\n");
      await bench.runtime.exec(bench.execRequest(id, "e", show, { scheduler: deadline }));
      await bounded("the wait", bench.runtime.wait(id, { execId: "e" }));
      assert.equal(bench.output("e"), "0 6\n");
      await bench.runtime.delete(id, { force: true });
      const batch = { policy: "SCHED_BATCH", nice: 7 } as const;
      assert.equal((await bench.run(show, { process: { scheduler: batch } })).output, "7 3\n");
    }));

  test("that clamps utilization is what the kernel takes, or refused with the reason", (t) =>
    withBench(t, async (bench) => {
      const flags = ["SCHED_FLAG_UTIL_CLAMP_MIN", "SCHED_FLAG_UTIL_CLAMP_MAX"] as const;
      const attempt = bench.run("true", { process: { scheduler: { policy: "SCHED_OTHER", flags } } });
      const error = await attempt.then(
        () => undefined,
        (reason: OrlopError) => reason,
      );
      if (error === undefined) return;
      assert.deepEqual([error.errno, error.field], ["EOPNOTSUPP", "process.scheduler"]);
      assert.match(error.message, /this kernel does not clamp utilization/);
    }));

  test("that root of a user namespace may not have is refused by the field", (t) =>
    withBench(t, async (bench) => {
      const attempt = bench.start("true", { linux: inUserNamespace(bench), process: { scheduler: deadline } });
      await assert.rejects(attempt, { errno: "EPERM", field: "process.scheduler", message: /CAP_SYS_NICE/ });
    }));

  test("with deadlines is refused to the small init, which has to have a child", (t) =>
    withBench(t, async (bench) => {
      const attempt = bench.start("true", { process: { scheduler: deadline }, request: { init: true } });
      await assert.rejects(attempt, { code: "unsupported", field: "process.scheduler" });
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

test("a working directory may be one that only root can enter, and is not for the program to leave and enter again", (t) =>
  withBench(t, async (bench) => {
    const user = { uid: 1000, gid: 1000 };
    const script = "pwd; cd / && cd /root 2>/dev/null || echo refused; sleep 1000";
    const id = await bench.start(script, { process: { cwd: "/root", user, capabilities: {} } });
    await bench.outputHas(id, "refused\n");
    assert.equal(bench.output(id), "/root\nrefused\n");
    const exec = bench.execRequest(id, "e", "pwd", { cwd: "/root", user, capabilities: {} });
    await bench.runtime.exec(exec);
    await bounded("the wait", bench.runtime.wait(id, { execId: "e" }));
    assert.equal(bench.output("e"), "/root\n");
    await bench.runtime.delete(id, { force: true });
  }));

for (const noNewPrivileges of [true, false]) {
  test(`a filter that forbids what older profiles do not know hinders nothing, ${noNewPrivileges ? "late" : "early"}`, (t) =>
    withBench(t, async (bench) => {
      const seccomp = {
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{ names: ["close_range", "faccessat2", "openat2", "clone3"], action: "SCMP_ACT_ERRNO" }],
      } as const;
      const { output } = await bench.run("echo ran", { process: { noNewPrivileges }, linux: { seccomp } });
      assert.equal(output, "ran\n");
    }));
}

test("a filter with a name of no system call fails the container where crun's annotation asks for that", (t) =>
  withBench(t, async (bench) => {
    const rule = { names: ["no_such_call"], action: "SCMP_ACT_ERRNO" } as const;
    const linux = { seccomp: { defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] } } as const;
    for (const value of ["0", "1"]) {
      const top = { annotations: { "run.oci.seccomp_fail_unknown_syscall": value } };
      const run = bench.run("echo ran", { linux, top });
      if (value === "0") assert.equal((await run).output, "ran\n");
      else await assert.rejects(run, { code: "invalid", message: /"no_such_call"/, field: "linux.seccomp.syscalls" });
    }
  }));

test("an exec has the personality of its container", (t) =>
  withBench(t, async (bench) => {
    const linux = { personality: { domain: "LINUX32" } } as const;
    const id = await bench.start("uname -m; sleep 1000", { linux });
    await bench.outputHas(id, "\n");
    await bench.runtime.exec(bench.execRequest(id, "e", "uname -m"));
    await bounded("the wait", bench.runtime.wait(id, { execId: "e" }));
    assert.equal(bench.output("e"), bench.output(id));
    const { output } = await bench.run("uname -m");
    assert.notEqual(bench.output("e"), output);
    await bench.runtime.delete(id, { force: true });
  }));
