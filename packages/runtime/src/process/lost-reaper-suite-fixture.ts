import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { decodeReport, REPORT } from "@orlop/kernel";
import { ContainerDirectory } from "./container-directory.ts";
import { type ProcessBench, until, withBench } from "./process-bench-fixture.ts";

function statFields(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** In which /proc counts the start of a process. */
const TICK_MS = 10;

function msSinceBoot(): number {
  return Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
}

function isAlive(pid: number): boolean {
  try {
    return !["Z", "X"].includes(statFields(pid)[0] ?? "");
  } catch {
    return false;
  }
}

/** Kills the reaper of a detached container, and gives the pid of init, which goes on. */
async function loseReaper(bench: ProcessBench, id: string): Promise<number> {
  const { pid = 0 } = await bench.runtime.state(id);
  process.kill(Number(statFields(pid)[1]), "SIGKILL");
  const directory = new ContainerDirectory(join(bench.stateDirectory, id));
  await until("the end of the reaper", () => (directory.supervised() ? undefined : true));
  return pid;
}

/** What becomes of a container whose reaper was killed, and that has no cgroup by which to find its processes. */
export function lostReaperSuite(rootless: boolean): void {
  const options = { rootless, cgroupDriver: "disabled" } as const;
  suite("a container without cgroups whose reaper was killed", () => {
    for (const known of [true, false]) {
      test(`is known to run, and ended by a forced delete of ${known ? "its maker" : "another process"}`, (t) =>
        withBench(
          t,
          async (bench) => {
            const runtime = known ? bench.runtime : bench.another({ cgroupDriver: "disabled" });
            const id = await bench.start("trap '' TERM; sleep 1000 & wait", { request: { detached: true } });
            const pid = await loseReaper(bench, id);
            assert.equal((await runtime.state(id)).status, "running");
            await assert.rejects(runtime.delete(id), { code: "conflict" });
            assert.ok(isAlive(pid));
            await runtime.delete(id, { force: true });
            assert.ok(!isAlive(pid), "init is still there");
          },
          options,
        ));
    }

    test("ends where it has not been started: nobody could start it any more", (t) =>
      withBench(
        t,
        async (bench) => {
          const request = bench.request("sleep 1000", { request: { detached: true } });
          await bench.runtime.create(request);
          const pid = await loseReaper(bench, request.id);
          await until("the end of init", () => (isAlive(pid) ? undefined : true));
          assert.equal((await bench.runtime.state(request.id)).status, "stopped");
          await bench.runtime.delete(request.id, { force: true });
        },
        options,
      ));

    test("is taken for ended when its pid is somebody else's by now, who is left alone", (t) =>
      withBench(
        t,
        async (bench) => {
          const id = await bench.start("sleep 1000", { request: { detached: true } });
          const pid = await loseReaper(bench, id);
          process.kill(pid, "SIGKILL");
          await until("the end of init", () => (isAlive(pid) ? undefined : true));
          const path = join(bench.stateDirectory, id, "created");
          const created = readFileSync(path);
          const createdAtMs = decodeReport(created)?.atMs ?? 0;
          await until("the next tick", () => (msSinceBoot() > createdAtMs + TICK_MS ? true : undefined));
          const other = spawn("sleep", ["1000"], { stdio: "ignore" });
          const gone = once(other, "exit");
          try {
            created.writeBigInt64LE(BigInt(other.pid ?? 0), REPORT.fields.value.offset);
            writeFileSync(path, created);
            assert.equal((await bench.runtime.state(id)).status, "stopped");
            await bench.runtime.delete(id, { force: true });
            assert.ok(isAlive(other.pid ?? 0), "the other process was ended");
          } finally {
            other.kill("SIGKILL");
            await gone;
          }
        },
        options,
      ));
  });
}
