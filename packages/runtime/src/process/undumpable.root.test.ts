import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { LinuxNamespace } from "@orlop/core";
import type { Program } from "@orlop/kernel";
import { callsOf, instructionsOf, pauseAt, without } from "./faulty-program-fixture.ts";
import { bounded, type ProcessBench, type SpecChanges, until, withBench } from "./process-bench-fixture.ts";

/** Every prctl(PR_SET_DUMPABLE, 0). */
function undumpable(program: Program): readonly number[] {
  return instructionsOf(program, /./, "syscall").filter((index) => {
    const [first] = program.instructions[index]?.operands ?? [];
    return first !== undefined && "show" in first && first.show === "PR_SET_DUMPABLE";
  });
}

const asItIs = (program: Program): Program => program;
const unprotected = (program: Program): Program => without(program, undumpable(program));

/** A program that stands still before the first call of that name in a step, for long enough to be looked at. */
function pauseBefore(program: Program, call: string, action: RegExp): Program {
  const [at] = callsOf(program, call, action);
  assert(at !== undefined, `no ${call}`);
  return pauseAt(program, at, 800);
}

const beforeExecute = (program: Program): Program => pauseBefore(program, "execve", /^execute "/);

const waitForGo = "while [ ! -e /go ]; do sleep 0.01; done";

/** Waits for `/go`, lets the other process come to its pause, and prints what shows of those that are no busybox: all have sockets. */
const look = [
  waitForGo,
  "sleep 0.3",
  "for p in /proc/[0-9]*; do [ $(readlink $p/exe) = /bin/busybox ] 2>/dev/null || { echo other; ls -l $p/fd 2>/dev/null | grep -o socket:; }; done",
  "rm /go",
  "echo looked",
].join("; ");

const lookTwice = `${look}; ${look}; sleep 1000`;

function letLook(bench: ProcessBench): void {
  writeFileSync(join(bench.rootfs, "go"), "");
}

async function looked(bench: ProcessBench, id: string, times: number): Promise<void> {
  const count = (): number => bench.output(id).split("looked").length - 1;
  await until(`look ${times}`, () => (count() === times ? true : undefined));
}

function namespaces(bench: ProcessBench, ...instead: readonly LinuxNamespace[]): readonly LinuxNamespace[] {
  const kept = (bench.spec([]).linux?.namespaces ?? []).filter(({ type }) => !instead.some((one) => one.type === type));
  return [...kept, ...instead];
}

/** A container whose process the first look must not see into, and the second, without protection, does. */
async function lookAtInits(
  bench: ProcessBench,
  changes: (pid: number) => SpecChanges,
  pause: (program: Program) => Program,
): Promise<void> {
  const id = await bench.start(lookTwice);
  const { pid = 0 } = await bench.runtime.state(id);
  const make = async (mutate: (program: Program) => Program): Promise<void> => {
    bench.mutate = (program) => pause(mutate(program));
    const request = bench.request("sleep 1000", changes(pid));
    letLook(bench);
    await bounded("the container", bench.runtime.run(request));
    await bench.runtime.delete(request.id, { force: true });
  };
  await make(asItIs);
  await looked(bench, id, 1);
  assert.equal(bench.output(id), "other\nlooked\n");
  await make(unprotected);
  await looked(bench, id, 2);
  assert.match(bench.output(id), /socket:/, "without the protection");
  await bench.runtime.delete(id, { force: true });
}

suite("CVE-2016-9962: the descriptors of a process on its way into a container", () => {
  test("of an exec cannot be seen from inside, and would be", (t) =>
    withBench(t, async (bench) => {
      const id = await bench.start(lookTwice);
      const process = { capabilities: bench.spec([]).process?.capabilities ?? {} };
      const enter = async (execId: string, mutate: (program: Program) => Program): Promise<void> => {
        bench.mutate = (program) => beforeExecute(mutate(program));
        letLook(bench);
        await bench.runtime.exec(bench.execRequest(id, execId, "sleep 1000", process));
      };
      await enter("first", asItIs);
      await looked(bench, id, 1);
      assert.equal(bench.output(id), "other\nlooked\n");
      await enter("second", unprotected);
      await looked(bench, id, 2);
      assert.match(bench.output(id), /socket:/, "without the protection");
      await bench.runtime.delete(id, { force: true });
    }));

  test("of another container's init cannot be seen where they share a pid namespace, and would be", (t) =>
    withBench(t, async (bench) => {
      const joining = (pid: number): SpecChanges => ({
        linux: { namespaces: namespaces(bench, { type: "pid", path: `/proc/${pid}/ns/pid` }) },
      });
      await lookAtInits(bench, joining, beforeExecute);
    }));

  test("nor while that init waits for its id maps", (t) =>
    withBench(t, async (bench) => {
      const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      const joining = (pid: number): SpecChanges => {
        const shared = { type: "pid", path: `/proc/${pid}/ns/pid` } as const;
        const linux = { namespaces: namespaces(bench, shared, { type: "user" }), uidMappings: ids, gidMappings: ids };
        // A procfs of a pid namespace that is another user namespace's cannot be mounted.
        const mounts = (bench.spec([]).mounts ?? []).filter(({ type }) => type !== "proc");
        return { linux, top: { mounts } };
      };
      const beforeMaps = (program: Program): Program =>
        pauseBefore(program, "read", /^wait for the user namespace's id maps/);
      await lookAtInits(bench, joining, beforeMaps);
    }));

  test("of a container that waits for its start cannot be seen by one that shares its pid namespace, and would be", (t) =>
    withBench(t, async (bench) => {
      // Mapped to themselves: a change of ids would hide the process as well.
      const ids = [{ containerID: 0, hostID: 0, size: 65_536 }];
      const own = { namespaces: namespaces(bench, { type: "user" }), uidMappings: ids, gidMappings: ids };
      const seen = async (mutate: (program: Program) => Program): Promise<string> => {
        bench.mutate = mutate;
        const waiting = bench.request("sleep 1000", { linux: own });
        const { pid } = await bench.runtime.create(waiting);
        const joining = { namespaces: namespaces(bench, { type: "pid", path: `/proc/${pid}/ns/pid` }) };
        const { output } = await bench.run(
          "ls -l /proc/1/fd 2>/dev/null | grep -q socket: && echo seen || echo hidden",
          { linux: joining },
        );
        await bench.runtime.delete(waiting.id, { force: true });
        return output;
      };
      assert.equal(await seen(asItIs), "hidden\n");
      assert.equal(await seen(unprotected), "seen\n", "without the protection");
    }));
});
