import assert from "node:assert/strict";
import { release } from "node:os";
import { suite, type TestContext, test } from "node:test";
import { type CreateRequest, OrlopError } from "@orlop/core";
import { defaultSeccompProfile, hostArchitecture, type Program } from "@orlop/kernel";
import { assertNoLeakSince, type KernelState, snapshotKernelState } from "@orlop/testkit";
import { failAt, killAt, stepAt } from "./faulty-program-fixture.ts";
import { bounded, type ProcessBench, withBench } from "./process-bench-fixture.ts";

/** How many containers with a fault are made at once. */
const BATCH = 12;

/** How many indices are tried of what is too long to be tried whole. */
const SAMPLE = 100;

/** `ORLOP_TEST_SEED` repeats a run; the seed is printed. */
const seed = Number(process.env.ORLOP_TEST_SEED ?? Date.now() % 1_000_000);

/** Different indices below `limit`, by a linear congruential generator with the constants of Numerical Recipes. */
function sample(limit: number, count: number): readonly number[] {
  const all = [...Array(limit).keys()];
  let state = seed >>> 0;
  const keyed = all.map((index) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return [state, index] as const;
  });
  return keyed
    .sort(([a], [b]) => a - b)
    .slice(0, count)
    .map(([, index]) => index)
    .sort((a, b) => a - b);
}

const seccomp = defaultSeccompProfile({
  arch: hostArchitecture() === "x86_64" ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64",
  capabilities: [],
  kernelVersion: release(),
});

/** Configs that together make the compiler write every kind of instruction that it has. */
const CONFIGS: Readonly<Record<string, (bench: ProcessBench) => CreateRequest>> = {
  "a container with everything": (bench) => {
    const request = bench.request("exit 0", {
      process: {
        user: { uid: 1000, gid: 1000, additionalGids: [2000] },
        noNewPrivileges: true,
        rlimits: [{ type: "RLIMIT_NOFILE", hard: 100n, soft: 100n }],
        oomScoreAdj: 500,
      },
      linux: {
        seccomp,
        sysctl: { "net.ipv4.ip_forward": "1" },
        devices: [{ path: "/dev/fuse", type: "c", major: 10, minor: 229 }],
      },
      top: { hostname: "faulty", domainname: "example.org", root: { path: bench.rootfs, readonly: true } },
    });
    const mounts = [
      ...(request.spec.mounts ?? []),
      { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=1777"] },
      { destination: "/etc/hosts", source: "/etc/hosts", options: ["bind", "ro"] },
      { destination: "/var", source: "/var", options: ["rbind", "rro", "private"] },
    ];
    return { ...request, spec: { ...request.spec, mounts } };
  },
  "a container in a user namespace, with a terminal and the small init": (bench) => {
    const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    const spec = bench.spec(["/bin/true"]);
    const namespaces = [...(spec.linux?.namespaces ?? []), { type: "user" } as const];
    return bench.request("exit 0", {
      process: { terminal: true, rlimits: [{ type: "RLIMIT_NOFILE", hard: 100n, soft: 100n }] },
      linux: { namespaces, uidMappings: ids, gidMappings: ids },
      request: { init: true, detached: true, rootfs: { kind: "overlay", lower: [bench.rootfs], writes: "discard" } },
    });
  },
};

/** What came of a container with a fault: the first thing that went wrong, if anything did. */
interface Outcome {
  readonly index: number;
  readonly during?: "create" | "start" | "wait";
  readonly error?: unknown;
}

async function attempt(bench: ProcessBench, request: CreateRequest, index: number): Promise<Outcome> {
  const { runtime } = bench;
  const { id } = request;
  const works = { create: () => runtime.create(request), start: () => runtime.start(id), wait: () => runtime.wait(id) };
  let outcome: Outcome = { index };
  for (const during of ["create", "start", "wait"] as const) {
    try {
      await bounded<unknown>(`${during} with a fault in ${index}`, works[during]());
    } catch (error) {
      outcome = { index, during, error };
      break;
    }
  }
  const left = await runtime.state(id).then(
    ({ status }) => status,
    (reason: OrlopError) => reason.code,
  );
  // A container that could not be made is gone at once; one that ended afterwards stays, with its status, until deleted.
  if (outcome.during === "create" || !isConflict(outcome)) {
    const started = outcome.during !== "create" && outcome.during !== "start";
    // Without its reaper a detached container may still run.
    const expected = started ? ["stopped", "running"] : ["not-found"];
    assert.ok(expected.includes(left), `${left} after ${outcome.during} with a fault in ${index}: ${outcome.error}`);
  }
  await bounded(`delete with a fault in ${index}`, runtime.delete(id, { force: true }));
  return outcome;
}

/** It ended between `created` and `start`. */
function isConflict({ during, error }: Outcome): boolean {
  return during === "start" && error instanceof OrlopError && error.code === "conflict";
}

type Break = (program: Program, index: number) => Program;

/** Makes a container for each index, with that instruction broken, and looks for what they leave. */
async function breakEach(
  bench: ProcessBench,
  make: (bench: ProcessBench) => CreateRequest,
  indices: readonly number[],
  how: Break,
): Promise<readonly Outcome[]> {
  const before: KernelState = snapshotKernelState(bench.scope);
  const outcomes: Outcome[] = [];
  for (let at = 0; at < indices.length; at += BATCH) {
    const batch = indices.slice(at, at + BATCH).map((index) => ({ index, request: make(bench) }));
    bench.mutate = (program) => {
      const own = batch.find(({ request }) => program.steps.some(({ action }) => action.includes(`/${request.id}"`)));
      return own === undefined ? program : how(program, own.index);
    };
    outcomes.push(...(await Promise.all(batch.map(({ index, request }) => attempt(bench, request, index)))));
    try {
      await assertNoLeakSince(before);
    } catch (cause) {
      const faults = batch.map(({ index, request }) => `${request.id} ${how.name} ${index}`);
      throw new Error(`after ${faults.join(", ")}`, { cause });
    }
  }
  bench.mutate = (program) => program;
  assert.equal((await bench.run("exit 3")).exitCode, 3, "a container without a fault");
  return outcomes;
}

/** Calls whose every failure is ignored do not fail, nor does anything but a call. */
function canFail(program: Program, index: number): boolean {
  const instruction = program.instructions[index];
  return instruction?.op === "syscall" && instruction.errnos !== "any";
}

/** The program that a request is compiled to. */
async function programOf(bench: ProcessBench, make: (bench: ProcessBench) => CreateRequest): Promise<Program> {
  const { promise, resolve } = Promise.withResolvers<Program>();
  bench.mutate = (program) => {
    resolve(program);
    return program;
  };
  const request = make(bench);
  await bench.runtime.create(request);
  await bench.runtime.delete(request.id, { force: true });
  return promise;
}

function describe(program: Program, { index, during, error }: Outcome): string {
  const { role, action } = stepAt(program, index);
  return `${index} (${role}: ${action}) during ${during}: ${String(error)}`;
}

/** Every container's program names its own id. */
function anonymous(text: string): string {
  return text.replaceAll(/orlop-process-\d+-\d+-\d+/g, "ID");
}

function assertClear(program: Program, outcome: Outcome): asserts outcome is Outcome & { error: OrlopError } {
  assert(outcome.error instanceof OrlopError, describe(program, outcome));
  assert.match(outcome.error.message, /^Cannot /, describe(program, outcome));
  assert.notEqual(outcome.error.code, "internal", describe(program, outcome));
}

function shareOf(t: TestContext, program: Program, outcomes: readonly Outcome[]): number {
  const failed = outcomes.filter(({ error }) => error !== undefined).length;
  t.diagnostic(
    `seed ${seed}: ${failed} of ${outcomes.length} faults in ${program.instructions.length} instructions told`,
  );
  return failed / outcomes.length;
}

for (const [name, make] of Object.entries(CONFIGS)) {
  suite(name, () => {
    test("is not made, says why and leaves nothing, whichever system call fails", (t) =>
      withBench(t, async (bench) => {
        const program = await programOf(bench, make);
        const indices = [...program.instructions.keys()].filter((index) => canFail(program, index));
        const outcomes = await breakEach(bench, make, indices, (broken, index) => failAt(broken, index, "EIO"));
        for (const outcome of outcomes.filter(({ error }) => error !== undefined)) {
          assertClear(program, outcome);
          if (isConflict(outcome)) continue;
          assert.equal(outcome.error.errno, "EIO", describe(program, outcome));
          const { action } = stepAt(program, outcome.index);
          assert.ok(anonymous(outcome.error.message).includes(anonymous(action)), describe(program, outcome));
        }
        assert.ok(shareOf(t, program, outcomes) > 0.5, "most instructions are executed");
      }));

    test("leaves nothing and keeps nobody waiting, whichever instruction its process is killed at", (t) =>
      withBench(t, async (bench) => {
        const program = await programOf(bench, make);
        // What memory is given back behind has its handler, or no program is accepted; it is the next one that does anything.
        const indices = sample(program.instructions.length, SAMPLE).filter(
          (index) => program.instructions[index]?.op !== "handler",
        );
        const outcomes = await breakEach(bench, make, indices, killAt);
        for (const outcome of outcomes.filter(({ error }) => error !== undefined)) assertClear(program, outcome);
        assert.ok(shareOf(t, program, outcomes) > 0.4, "most instructions are executed");
      }));
  });
}
