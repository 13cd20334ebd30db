import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { defaultSpec, type Mount, type RootFilesystem, type RuntimeSpec, shortId } from "@orlop/core";
import { encodeProgram, type Program } from "@orlop/kernel";
import type { CreatePlan } from "./compilation.ts";
import { compileCreate } from "./compile-create.ts";
import { compileExec, type ExecPlan } from "./compile-exec.ts";
import { keepCreates, keepExecs } from "./keep-programs.ts";
import { KeptPrograms } from "./kept-programs.ts";
import { FIXED_CGROUP, FIXED_HOST, fixedPlan } from "./plan-fixture.ts";

const idOf = (digit: string): string => digit.repeat(64);

/** A container of this id, which is in its places, its cgroup and its hostname. */
function planOf(id: string, spec: RuntimeSpec = defaultSpec(), changes: Partial<CreatePlan> = {}): CreatePlan {
  const cgroup = JSON.parse(JSON.stringify(FIXED_CGROUP).replaceAll("c1", id)) as typeof FIXED_CGROUP;
  const plan = fixedPlan(
    { ...spec, hostname: shortId(id) },
    { stateDirectory: `/run/orlop/${id}`, cgroup, ...changes },
  );
  return { ...plan, request: { ...plan.request, id, ...changes.request } };
}

function withVariable(variable: string): RuntimeSpec {
  const spec = defaultSpec();
  return spec.process === undefined ? spec : { ...spec, process: { ...spec.process, env: [variable] } };
}

function execOf(id: string, execId: string, initPid: number, fd: number): ExecPlan {
  return {
    host: FIXED_HOST,
    process: { user: { uid: 0, gid: 0 }, args: ["sh"], env: ["PATH=/bin"], cwd: "/" },
    initPid,
    containerDirectory: `/run/orlop/${id}`,
    stateDirectory: `/run/orlop/${id}/exec/${execId}`,
    stdio: { stdin: "null", stdout: { fd }, stderr: { fd: fd + 1 } },
    terminal: false,
    detached: false,
    namespaces: ["pid", "mount"],
    join: [{ directory: `/sys/fs/cgroup/orlop/${id}`, file: "cgroup.procs", reason: "it counts as the container" }],
    frozen: false,
    seccomp: { filter: new Uint8Array(16), instructionCount: 2, flags: 0, listener: undefined, ignoredNames: [] },
    state: { ociVersion: "1.0.2", id, status: "running", pid: initPid, bundle: "/" },
  };
}

const withSpec = (plan: CreatePlan, change: (spec: RuntimeSpec) => Partial<RuntimeSpec>): CreatePlan => ({
  ...plan,
  request: { ...plan.request, spec: { ...plan.request.spec, ...change(plan.request.spec) } },
});

const IDS = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const HOOKS = [{ path: "/usr/bin/hook", args: ["hook", "one"], timeout: 5 }];
const FILTER = { filter: new Uint8Array(16), instructionCount: 2, flags: 0, ignoredNames: [] };

/** That of an image, whose container writes to the snapshot of that name. */
const imageRoot = (place: string, name: string): RootFilesystem => ({
  kind: "overlay",
  lower: [{ erofs: `${place}/layer` }, { erofs: "/images/base" }],
  writes: { upper: `${place}/${name}/fs`, work: `${place}/${name}/work` },
});

/** In a directory that is named after who made it, too. */
const ownHosts = ({ request: { id } }: CreatePlan): Mount => ({
  destination: "/etc/hosts",
  type: "bind",
  source: `/run/orlop/files-4026531836.${100 + id.charCodeAt(0)}.7-${id}/hosts`,
  options: ["bind"],
});

/** What containers can be beyond the default one, as far as it makes their programs other ones. */
const CHANGES: Readonly<Record<string, (plan: CreatePlan) => CreatePlan>> = {
  default: (plan) => plan,
  arm64: (plan) => ({ ...plan, host: { ...plan.host, architecture: "aarch64" } }),
  "another user": (plan) => ({ ...plan, host: { ...plan.host, uid: 1000, gid: 1000, rootless: true } }),
  "user namespace": (plan) =>
    withSpec(plan, ({ linux }) => ({
      linux: {
        ...linux,
        namespaces: [...(linux?.namespaces ?? []), { type: "user" }],
        uidMappings: IDS,
        gidMappings: IDS,
      },
    })),
  "id in variables and hooks": (plan) =>
    withSpec(plan, ({ process }) => ({
      hooks: { createRuntime: HOOKS, startContainer: HOOKS },
      annotations: { name: plan.request.id },
      ...(process === undefined ? {} : { process: { ...process, env: [`ID=${plan.request.id}`], args: ["sh"] } }),
    })),
  terminal: (plan) =>
    withSpec(plan, ({ process }) => (process === undefined ? {} : { process: { ...process, terminal: true } })),
  overlay: (plan) => ({
    ...plan,
    rootfs: { kind: "overlay", lower: ["/upper", `/layers/${plan.request.id}`], writes: "discard" },
  }),
  image: (plan) => ({ ...plan, rootfs: imageRoot("/images", plan.request.id.slice(0, 2)) }),
  "image at an odd place": (plan) => ({ ...plan, rootfs: imageRoot("/a:b,c", plan.request.id.slice(0, 2)) }),
  filter: (plan) => ({ ...plan, seccomp: { ...FILTER, listener: undefined } }),
  listener: (plan) => ({ ...plan, seccomp: { ...FILTER, flags: 8, listener: { path: "/agent", metadata: "x" } } }),
  descriptors: (plan) => ({
    ...plan,
    request: { ...plan.request, stdio: { stdin: { fd: 7 }, stdout: { path: "/log" }, stderr: { fd: 7 } } },
  }),
  "limits with whole numbers": (plan) =>
    withSpec(plan, ({ linux }) => ({ linux: { ...linux, resources: { memory: { limit: 2n ** 40n } } } })),
  "network that a process holds": (plan) =>
    withSpec(plan, ({ linux }) => ({
      linux: {
        ...linux,
        namespaces: (linux?.namespaces ?? []).map((each) =>
          each.type === "network" ? { ...each, path: `/proc/${100 + plan.request.id.charCodeAt(0)}/ns/net` } : each,
        ),
      },
    })),
  "called by another": (plan) => ({
    ...plan,
    style: { startOnCommand: true, endsWithMaker: true, makerPid: 100 + plan.request.id.charCodeAt(0) },
  }),
  "files of its own": (plan) => withSpec(plan, () => ({ mounts: [ownHosts(plan)] })),
  "started at once": (plan) => ({ ...plan, style: { startOnCommand: false } }),
};

/** All of a program that executing it, or its failure, would show. */
const contentOf = (program: Program): string =>
  encodeProgram(program, { loadAddress: 0x40000 }).toString("latin1") + JSON.stringify(program.steps);

const assertSame = (kept: Program, compiled: Program, message?: string): void =>
  assert.ok(contentOf(kept) === contentOf(compiled), message ?? "the programs differ");

/** The programs for some plans, and how often one was compiled for them. */
function counted() {
  const compiled: CreatePlan[] = [];
  const apart = (plan: CreatePlan) => ({
    values: { texts: [plan.request.id], numbers: {} },
    rest: { ...plan, host: undefined },
  });
  const compile = (plan: CreatePlan): Program => {
    compiled.push(plan);
    return compileCreate(plan);
  };
  return { compiled, kept: new KeptPrograms(compile, apart) };
}

suite("programs that are kept", () => {
  test("are, whatever the config, what would have been compiled", () => {
    for (const [name, change] of Object.entries(CHANGES)) {
      const kept = keepCreates();
      for (const digit of ["a", "b", "c", "d"]) {
        const plan = change(planOf(idOf(digit)));
        assertSame(kept.program(plan), compileCreate(plan), name);
      }
    }
  });

  test("are compiled twice, and not a third time", () => {
    const { compiled, kept } = counted();
    for (const id of ["container-1", "container-2", "container-3", "container-4"]) {
      const plan = planOf(id);
      assertSame(kept.program(plan), compileCreate(plan));
    }
    assert.equal(compiled.length, 2);
  });

  test("are compiled no third time where each container's network is held by another process", () => {
    let compiled = 0;
    const kept = keepCreates((plan) => {
      compiled += 1;
      return compileCreate(plan);
    });
    for (const digit of ["a", "b", "c", "d"]) {
      const plan = CHANGES["network that a process holds"]?.(planOf(idOf(digit)));
      assert.ok(plan !== undefined);
      assertSame(kept.program(plan), compileCreate(plan));
    }
    assert.equal(compiled, 2);
  });

  test("of images are compiled no third time either, though each container writes to a snapshot of its own", () => {
    const kept = keepCreates();
    let asked = 0;
    const host = {
      ...FIXED_HOST,
      get architecture() {
        asked += 1;
        return "x86_64" as const;
      },
    };
    const counts: number[] = [];
    for (const name of ["17", "18", "19", "20"]) {
      const plan = planOf(idOf(name.slice(1)), defaultSpec(), { host, rootfs: imageRoot("/images", name) });
      asked = 0;
      const program = kept.program(plan);
      counts.push(asked);
      assertSame(program, compileCreate(plan));
    }
    // Who compiles looks for whom.
    assert.deepEqual(
      counts.map((count) => count > 0),
      [true, true, false, false],
    );
  });

  test("are the same for every caller, and wherever files of the container's own are", () => {
    const compiled: CreatePlan[] = [];
    const kept = keepCreates((plan) => {
      compiled.push(plan);
      return compileCreate(plan);
    });
    for (const digit of ["a", "b", "c", "d"]) {
      const plan = planOf(idOf(digit));
      const style = { startOnCommand: false, endsWithMaker: true, makerPid: digit.charCodeAt(0) };
      kept.program({ ...withSpec(plan, () => ({ mounts: [ownHosts(plan)] })), style });
    }
    assert.equal(compiled.length, 2);
  });

  test("of execs have the pid, the ids and the descriptors of their own", () => {
    const kept = keepExecs();
    const plans = [
      execOf(idOf("a"), idOf("1"), 77, 20),
      execOf(idOf("b"), idOf("2"), 8_888, 30),
      execOf(idOf("c"), idOf("3"), 4_000_000, 24),
      execOf(idOf("c"), idOf("4"), 4_000_000, 9),
    ];
    for (const plan of plans) assertSame(kept.program(plan), compileExec(plan));
    const [first = "", , third = ""] = plans.map((plan) => contentOf(kept.program(plan)));
    assert.ok(third.includes(idOf("3")) && !third.includes(idOf("1")) && first.includes(idOf("1")));
  });

  test("of one container have nothing of another's environment, though it differ in that alone", () => {
    const kept = keepCreates();
    const secrets = ["TOKEN=secret-of-one", "TOKEN=secret-of-two"];
    for (const digit of ["a", "b", "c", "d"]) {
      for (const secret of secrets) {
        const content = contentOf(kept.program(planOf(idOf(digit), withVariable(secret))));
        assert.ok(content.includes(secret));
        for (const other of secrets) assert.ok(other === secret || !content.includes(other), `${other} has leaked`);
      }
    }
  });

  test("take no text for an id that is none", () => {
    // The names of the reaper and of a file of its are in every program.
    for (const ids of [
      ["orlop-reaper", "orlop-keeper", "orlop-beeper"],
      ["control", "another", "further"],
    ]) {
      const kept = keepCreates();
      for (const id of [...ids, ...ids]) assertSame(kept.program(planOf(id)), compileCreate(planOf(id)));
    }
    const kept = keepCreates();
    for (const [id, other] of [
      ["aaaa", "bbbb"],
      ["bbbb", "bbbb"],
      ["cccc", "aaaa"],
      ["aaaa", "cccc"],
    ] as const) {
      const plan = planOf(id, withVariable(`OTHER=${other}`));
      assertSame(kept.program(plan), compileCreate(plan));
    }
  });

  test("are compiled anew where the machine gives other answers", () => {
    const kept = keepCreates();
    let target = "/run/a";
    const host = { ...FIXED_HOST, linkTarget: (path: string) => (path.endsWith("/etc") ? target : undefined) };
    const mounts = [{ destination: "/etc/hosts", type: "bind", source: "/hosts", options: ["bind"] }];
    const plan = (digit: string) => planOf(idOf(digit), { ...defaultSpec(), mounts }, { host });
    for (const digit of ["a", "b", "c"]) assertSame(kept.program(plan(digit)), compileCreate(plan(digit)));
    target = "/run/b";
    for (const digit of ["d", "e", "f"]) assertSame(kept.program(plan(digit)), compileCreate(plan(digit)));
    const [a, b] = ["/run/a", "/run/b"].map((each) => {
      target = each;
      return contentOf(compileCreate(plan("0")));
    });
    assert.notEqual(a, b, "the answer should have made a difference");
  });

  test("are few: the one that was not asked for the longest is forgotten", () => {
    const { compiled, kept } = counted();
    const ask = (id: string, index: number) => kept.program(planOf(id, withVariable(`NUMBER=${index}`)));
    for (const id of ["a-1", "a-2"]) ask(id, 0);
    for (let index = 1; index < 8; index++) ask("a-1", index);
    ask("a-3", 0);
    assert.equal(compiled.length, 2 + 7, "it is still there");
    for (let index = 8; index < 16; index++) ask("a-1", index);
    ask("a-4", 0);
    assert.equal(compiled.length, 2 + 7 + 8 + 1);
  });

  test("are not for what fails, and what is too large is compiled each time", () => {
    const kept = keepCreates();
    const wrong = planOf(idOf("a"), { ...defaultSpec(), linux: {} });
    for (let round = 0; round < 3; round++) assert.throws(() => kept.program(wrong), /without a mount namespace/);
    const { compiled, kept: counting } = counted();
    const large = withVariable(`LARGE=${"x".repeat(300_000)}`);
    for (const id of ["a-1", "a-2", "a-3"]) counting.program(planOf(id, large));
    assert.equal(compiled.length, 3);
  });
});
