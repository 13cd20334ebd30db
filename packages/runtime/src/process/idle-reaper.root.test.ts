import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { hostArchitecture } from "@orlop/kernel";
import { until, withBench } from "./process-bench-fixture.ts";

/** Where programs are: memory-layout.ts of the kernel package. */
const REQUEST_AREA = "00040000-";

/** kB of a process's program that are in memory: proc_pid_smaps(5). */
function programKb(pid: number): number {
  const mappings = readFileSync(`/proc/${pid}/smaps`, "utf8").split(/\n(?=[0-9a-f]+-)/);
  const area = mappings.find((mapping) => mapping.startsWith(REQUEST_AREA)) ?? "";
  return Number(/^Rss:\s+(\d+) kB$/m.exec(area)?.[1]);
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

// Elsewhere a page may hold a whole program.
const skip = hostArchitecture() === "x86_64" ? false : "for pages of 4 KiB";

suite("the reaper of an idle container", { skip }, () => {
  test("has given back most of its program when the container runs, and still records its end", async (t) => {
    await withBench(t, async (bench) => {
      const { runtime } = bench;
      const id = bench.newId();
      const stdio = { stdin: "null", stdout: "null", stderr: "null" } as const;
      await runtime.create({ id, bundle: bench.directory, spec: bench.spec(["sleep", "1000"]), stdio });
      const { pid = 0 } = await runtime.state(id);
      const reaper = parentOf(pid);
      const before = programKb(reaper);
      await runtime.start(id);
      await until("less memory", () => (programKb(reaper) < before * 0.6 ? true : undefined));
      await runtime.signal(id, 9);
      assert.equal((await runtime.wait(id)).exitCode, 137);
      await runtime.delete(id);
    });
  });
});
