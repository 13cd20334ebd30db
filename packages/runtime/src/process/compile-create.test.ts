import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  defaultSpec,
  type LinuxMemoryPolicy,
  type LinuxNamespaceType,
  type Process,
  type RuntimeSpec,
} from "@orlop/core";
import { encodeProgram, explainJson, type Program, verifyProgram } from "@orlop/kernel";
import type { CreatePlan } from "./compilation.ts";
import { compileCreate, startSteps } from "./compile-create.ts";
import { compileExec } from "./compile-exec.ts";
import { compileHook } from "./compile-hook.ts";
import { compileReplaceDeviceFilter } from "./device-filter.ts";
import { assertGolden, fullTextOf, outlineOf } from "./golden-program-fixture.ts";
import { FIXED_CGROUP, FIXED_HOST, fixedPlan } from "./plan-fixture.ts";

const IDS = [{ containerID: 0, hostID: 100_000, size: 65_536 }];

function withProcess(spec: RuntimeSpec, changes: Partial<Process>): RuntimeSpec {
  return spec.process === undefined ? spec : { ...spec, process: { ...spec.process, ...changes } };
}

function inUserNamespace(spec: RuntimeSpec): RuntimeSpec {
  const namespaces = [...(spec.linux?.namespaces ?? []), { type: "user" } as const];
  return { ...spec, linux: { ...spec.linux, namespaces, uidMappings: IDS, gidMappings: IDS } };
}

function withoutNamespace(spec: RuntimeSpec, absent: LinuxNamespaceType): RuntimeSpec {
  const namespaces = (spec.linux?.namespaces ?? []).filter(({ type }) => type !== absent);
  return { ...spec, linux: { ...spec.linux, namespaces } };
}

function hooked(spec: RuntimeSpec): RuntimeSpec {
  const hook = [{ path: "/usr/bin/hook" }];
  return { ...spec, hooks: { createRuntime: hook, createContainer: hook, startContainer: hook, poststop: hook } };
}

/** As little as a container can be. */
const SMALL: RuntimeSpec = {
  ociVersion: "1.0.2",
  process: { user: { uid: 1000, gid: 1000 }, args: ["/bin/true"], env: [], cwd: "/", noNewPrivileges: true },
  root: { path: "rootfs", readonly: true },
  mounts: [{ destination: "/proc", type: "proc", source: "proc", options: ["nosuid"] }],
  linux: {
    namespaces: [{ type: "mount" }, { type: "pid" }],
    maskedPaths: ["/proc/kcore"],
    readonlyPaths: ["/proc/sys"],
  },
};

/** The same filter with somebody who is asked. */
const listened = (filter: typeof seccomp) => ({
  ...filter,
  flags: 8,
  listener: { path: "/run/agent.sock", metadata: "of the agent" },
});

const seccomp = { filter: new Uint8Array(16), instructionCount: 2, flags: 0, listener: undefined, ignoredNames: [] };

const PLANS: Readonly<Record<string, CreatePlan>> = {
  default: fixedPlan(),
  "user-namespace": fixedPlan(inUserNamespace(defaultSpec())),
  "callers-cgroup-namespace": fixedPlan(withoutNamespace(inUserNamespace(defaultSpec()), "cgroup")),
  terminal: fixedPlan(withProcess(defaultSpec(), { terminal: true, consoleSize: { height: 24, width: 80 } })),
  hooks: fixedPlan(hooked(defaultSpec())),
  "systemd-unit": fixedPlan(defaultSpec(), {
    cgroup: { ...FIXED_CGROUP, operations: FIXED_CGROUP.operations.slice(0, 1), cloneInto: undefined },
    unit: { name: "orlop-c1.scope", ofUser: false, properties: [] },
  }),
  image: fixedPlan(SMALL, {
    rootfs: {
      kind: "overlay",
      lower: [{ erofs: "/layer.erofs" }],
      writes: { upper: "/upper", work: "/work", volatile: true },
    },
  }),
  overlay: fixedPlan(SMALL, { rootfs: { kind: "overlay", lower: ["/upper", "/lower"], writes: "discard" }, seccomp }),
};

const ARCHITECTURES = ["x86_64", "aarch64"] as const;

suite("the program that makes a container", () => {
  for (const [name, plan] of Object.entries(PLANS)) {
    test(`is, in short, the known one: ${name}`, () => {
      assertGolden(`${name}.txt`, outlineOf(compileCreate(plan)));
    });

    test(`is accepted and can be sent on every processor: ${name}`, () => {
      for (const architecture of ARCHITECTURES) {
        const program = compileCreate({ ...plan, host: { ...plan.host, architecture } });
        verifyProgram(program, { loadAddress: 0x40000 });
        assert.ok(encodeProgram(program, { loadAddress: 0x40000 }).length > 10_000);
      }
    });
  }

  test("is, call by call, the known one for a small config", () => {
    assertGolden("small-in-full.txt", fullTextOf(compileCreate(fixedPlan(SMALL, { cgroup: undefined, seccomp }))));
  });

  test("hands the filter's notifications to who listens, by way of a courier", () => {
    const plan = fixedPlan(SMALL, { cgroup: undefined, seccomp: listened(seccomp) });
    assertGolden("seccomp-listener.txt", outlineOf(compileCreate(plan)));
  });

  test("is the same for the same request", () => {
    const encode = (): Buffer => encodeProgram(compileCreate(fixedPlan()), { loadAddress: 0x40000 });
    assert.deepEqual(encode(), encode());
  });
});

function fixedExec(
  changes: Partial<Process> = {},
  namespaces: readonly LinuxNamespaceType[] = ["mount", "pid", "uts"],
  frozen: boolean = false,
): Program {
  return compileExec({
    host: FIXED_HOST,
    process: { user: { uid: 1000, gid: 1000 }, args: ["sh"], env: ["PATH=/bin"], cwd: "/", ...changes },
    initPid: 77,
    containerDirectory: "/run/orlop/c1",
    stateDirectory: "/run/orlop/c1/exec/e1",
    stdio: { stdin: "null", stdout: "null", stderr: "null" },
    terminal: false,
    detached: false,
    namespaces,
    join: [{ directory: "/sys/fs/cgroup/orlop/c1", file: "cgroup.procs", reason: "it counts as the container" }],
    frozen,
    seccomp,
    state: { ociVersion: "1.0.2", id: "c1", status: "running", pid: 77, bundle: "/bundle" },
  });
}

suite("the programs beside it", () => {
  test("of an exec, of a hook and of an update of device rules are the known ones", () => {
    const exec = fixedExec();
    const hook = compileHook({
      host: FIXED_HOST,
      hook: { path: "/usr/bin/hook", args: ["hook", "one"], timeout: 5 },
      field: "hooks.createContainer[0]",
      state: "{}",
      enter: { pid: 77, namespaces: ["mount"] },
      output: { stdout: "/run/orlop/c1/hooks.log", stderr: "/run/orlop/c1/hooks.log" },
      directory: "/bundle",
    });
    const update = compileReplaceDeviceFilter("x86_64", {
      kind: "attach-device-filter",
      stage: "leaf",
      directory: "/sys/fs/cgroup/orlop/c1",
      program: new Uint8Array(16),
      mode: "replace",
      reason: "the rules have changed",
      field: "linux.resources.devices",
      tolerate: [],
    });
    for (const program of [exec, hook, update]) verifyProgram(program, { loadAddress: 0x40000 });
    assertGolden("exec.txt", outlineOf(exec));
    assertGolden("hook-in-full.txt", fullTextOf(hook));
    assertGolden("device-filter-in-full.txt", fullTextOf(update));
  });
});

/** Where the first call of that name with these words in its arguments stands. */
function at(program: Program, call: string, ...words: readonly string[]): number {
  for (const step of explainJson(program).steps) {
    const found = step.calls.find(
      (each) => each.call === call && words.every((word) => each.args.join().includes(word)),
    );
    if (found !== undefined) return found.index;
  }
  throw new Error(`there is no ${call} with ${words.join(" and ")}`);
}

suite("the cgroup of an exec", () => {
  const entries = (frozen: boolean): readonly string[] =>
    fixedExec({}, ["mount"], frozen)
      .steps.map(({ action }) => action)
      .filter((action) => action.includes('cgroup "') || action.includes("cgroup.procs"));

  test("is what a process in between is cloned into", () => {
    const [open, start] = entries(false);
    assert.equal(open, 'open cgroup "/sys/fs/cgroup/orlop/c1"');
    assert.equal(start, 'start a process in cgroup "/sys/fs/cgroup/orlop/c1" to enter the container');
    assert.equal(entries(false).length, 2);
  });

  test("is entered by the process itself where it is frozen", () => {
    assert.deepEqual(entries(true), [
      'open "/sys/fs/cgroup/orlop/c1/cgroup.procs"',
      'enter cgroup "/sys/fs/cgroup/orlop/c1"',
    ]);
  });
});

suite("the CPUs of an exec", () => {
  test("are set before it enters the container and its cgroup, and after", () => {
    const { steps } = fixedExec({ execCPUAffinity: { initial: "0-1", final: "7" } });
    const step = (text: string): number => steps.findIndex(({ action }) => action.startsWith(text));
    const order = ['run on CPUs "0-1"', "enter the container's namespaces", "enter cgroup", 'run on CPUs "7"'].map(
      step,
    );
    assert.ok(!order.includes(-1));
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
  });

  test("are nothing to the container's init", () => {
    const config = withProcess(defaultSpec(), { execCPUAffinity: { initial: "0", final: "1" } });
    assert.equal(outlineOf(compileCreate(fixedPlan(config))), outlineOf(compileCreate(fixedPlan())));
  });
});

suite("mounts", () => {
  test("of every unusual kind are made by the known calls", () => {
    const ids = { uidMappings: IDS, gidMappings: IDS };
    const mounts = [
      ...(SMALL.mounts ?? []),
      { destination: "memory", type: "tmpfs", source: "tmpfs", options: ["rro", "unbindable"], ...ids },
      { destination: "/proc", options: ["remount", "noexec", "hidepid=2", "rslave"] },
      { destination: "/memory", options: ["bind", "remount", "nodev"] },
    ];
    const spec = { ...SMALL, mounts, linux: { ...SMALL.linux, rootfsPropagation: "runbindable" } } as const;
    assertGolden("mounts.txt", outlineOf(compileCreate(fixedPlan(spec, { cgroup: undefined }))));
  });
});

suite("network devices", () => {
  test("are moved by the reaper when all is known to be well", () => {
    const namespaces = [...(SMALL.linux?.namespaces ?? []), { type: "network" } as const];
    const netDevices = { eth7: {}, eth8: { name: "net%d" } };
    const plan = fixedPlan({ ...SMALL, linux: { ...SMALL.linux, namespaces, netDevices } }, { cgroup: undefined });
    for (const architecture of ARCHITECTURES) {
      verifyProgram(compileCreate({ ...plan, host: { ...plan.host, architecture } }), { loadAddress: 0x40000 });
    }
    assertGolden("net-devices.txt", outlineOf(compileCreate(plan)));
  });
});

suite("resource limits", () => {
  const rlimits = [{ type: "RLIMIT_NOFILE", soft: 10n, hard: 20n }] as const;
  const setBy = (program: Program): string | undefined =>
    program.steps.find(({ action }) => action === "set RLIMIT_NOFILE to 10:20")?.role;

  test("are set by root outside where root of a user namespace might not, and by the process itself elsewhere", () => {
    const spec = withProcess(defaultSpec(), { rlimits });
    const inside = inUserNamespace(spec);
    assert.equal(setBy(compileCreate(fixedPlan(spec))), "init");
    assert.equal(setBy(compileCreate(fixedPlan(inside))), "reaper");
    assert.equal(setBy(compileCreate(fixedPlan(inside, { host: { ...FIXED_HOST, uid: 1000 } }))), "init");
    assert.equal(setBy(fixedExec({ rlimits })), "child");
    assert.equal(setBy(fixedExec({ rlimits }, ["user", "mount"])), "reaper");
  });
});

suite("a memory policy", () => {
  const policyOf = (memoryPolicy: LinuxMemoryPolicy): string => {
    const spec = { ...SMALL, linux: { ...SMALL.linux, memoryPolicy } };
    const text = fullTextOf(compileCreate(fixedPlan(spec)));
    return text.split("\n").find((line) => line.startsWith("set_mempolicy(")) ?? "";
  };

  test("is told with its flags and the nodes as a mask", () => {
    assert.equal(policyOf({ mode: "MPOL_DEFAULT" }), "set_mempolicy(MPOL_DEFAULT, NULL, 0)");
    assert.equal(
      policyOf({ mode: "MPOL_INTERLEAVE", nodes: "2-3", flags: ["MPOL_F_STATIC_NODES"] }),
      "set_mempolicy(MPOL_INTERLEAVE|MPOL_F_STATIC_NODES, [2-3], 65)",
    );
    assert.equal(policyOf({ mode: "MPOL_BIND", nodes: "64" }), "set_mempolicy(MPOL_BIND, [64], 129)");
  });
});

suite("the order of what init does", () => {
  test("gives up what it has from the outside in", () => {
    const program = compileCreate(fixedPlan(withProcess(defaultSpec(), { noNewPrivileges: true }), { seccomp }));
    const order = [
      at(program, "mount", "MS_SLAVE"),
      at(program, "pivot_root"),
      at(program, "umount2", "MNT_DETACH"),
      at(program, "prctl", "PR_CAPBSET_DROP"),
      at(program, "setgroups"),
      at(program, "setresgid"),
      at(program, "setresuid"),
      at(program, "capset"),
      at(program, "chdir", '"/"'),
      at(program, "prctl", "PR_SET_NO_NEW_PRIVS"),
      at(program, "seccomp"),
      at(program, "execve"),
    ];
    // The first chdir is the pivot's; the working directory's is the one behind the change of user.
    const [cwd] = order.splice(8, 1);
    assert.ok(cwd !== undefined);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
  });

  test("marks what the program must not inherit before any filter, which may not know how", () => {
    for (const noNewPrivileges of [true, false]) {
      const program = compileCreate(fixedPlan(withProcess(defaultSpec(), { noNewPrivileges }), { seccomp }));
      assert.ok(at(program, "close_range") < at(program, "seccomp"));
    }
  });

  test("installs a filter while it may, when the program may gain privileges", () => {
    const program = compileCreate(fixedPlan(defaultSpec(), { seccomp }));
    assert.ok(at(program, "seccomp") < at(program, "setresuid"));
    assert.throws(() => at(program, "prctl", "PR_SET_NO_NEW_PRIVS"));
  });

  test("waits for its start only when told to", () => {
    const says = (startOnCommand: boolean): boolean =>
      outlineOf(compileCreate(fixedPlan(defaultSpec(), { style: { startOnCommand } }))).includes(
        'say "ready" to the reaper and wait',
      );
    assert.deepEqual([says(true), says(false)], [true, false]);
  });

  test("is known by its last steps to who starts the container later", () => {
    const program = compileCreate(fixedPlan());
    const steps = startSteps(program);
    const execute = at(program, "execve");
    const step = steps.findLast(({ from }) => from <= execute);
    assert.deepEqual([step?.action, step?.field], ['execute "sh"', "process.args[0]"]);
    assert.equal(steps[0]?.action, 'say "ready" to the reaper and wait');
    assert.deepEqual(
      steps.map(({ from }) => from),
      steps.map(({ from }) => from).toSorted((a, b) => a - b),
    );
  });
});

suite("configs that cannot be compiled", () => {
  test("are refused by the field", () => {
    const spec = defaultSpec();
    const cases: readonly (readonly [RuntimeSpec, string, string])[] = [
      [{ ...spec, linux: { ...spec.linux, namespaces: [{ type: "pid" }] } }, "unsupported", "linux.namespaces"],
      [withProcess(spec, { apparmorProfile: "strict" }), "unsupported", "process.apparmorProfile"],
      [withProcess(spec, { selinuxLabel: "a:b:c" }), "unsupported", "process.selinuxLabel"],
      [withProcess(spec, { user: { uid: 2 ** 32 - 1, gid: 0 } }), "invalid", "process.user.uid"],
      [withProcess(spec, { user: { uid: 0, gid: -1 } }), "invalid", "process.user.gid"],
      [{ ...SMALL, linux: { ...SMALL.linux, netDevices: { eth0: {} } } }, "invalid", "linux.netDevices"],
      [{ ...SMALL, linux: { namespaces: [{ type: "mount" }, { type: "user" }] } }, "invalid", "linux.uidMappings"],
      [{ ...SMALL, hostname: "theirs" }, "invalid", "hostname"],
      [{ ...SMALL, domainname: "theirs" }, "invalid", "domainname"],
      [{ ...spec, linux: { ...spec.linux, mountLabel: "a:b:c" } }, "unsupported", "linux.mountLabel"],
    ];
    const far = { ...listened(seccomp), listener: { path: `/${"x".repeat(107)}`, metadata: "" } };
    assert.throws(() => compileCreate(fixedPlan(spec, { seccomp: far })), {
      code: "invalid",
      field: "linux.seccomp.listenerPath",
    });
    for (const [config, code, field] of cases) {
      assert.throws(
        () => compileCreate(fixedPlan(config)),
        { name: "OrlopError", code, field, message: /^Cannot / },
        field,
      );
    }
    const file = { ...FIXED_HOST, fileKind: () => "file" as const };
    assert.throws(() => compileCreate(fixedPlan(spec, { host: file })), { code: "invalid", field: "root.path" });
  });
});
