import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { cgroupDirectories } from "@orlop/testkit";
import { type ProcessBench, withBench } from "./process-bench-fixture.ts";

/** The container's cgroup of version 2, if there is one that has controllers to hand on. */
function unifiedCgroup(id: string): string | undefined {
  return cgroupDirectories(id).find((path) => {
    try {
      return readFileSync(join(path, "cgroup.controllers"), "utf8").includes("memory");
    } catch {
      return false;
    }
  });
}

/** Runs `work` with a container that has a cgroup below its own. */
function withInner(t: TestContext, work: (bench: ProcessBench, id: string, cgroup: string) => Promise<void>) {
  return withBench(t, async (bench) => {
    const id = await bench.start("sleep 1000 & exec sleep 1001");
    const cgroup = unifiedCgroup(id);
    if (cgroup === undefined) t.skip("needs version 2 of cgroups with the memory controller");
    else {
      mkdirSync(join(cgroup, "inner"));
      await work(bench, id, cgroup);
    }
    await bench.runtime.delete(id, { force: true });
    assert.deepEqual(cgroupDirectories(id), []);
  });
}

suite("a container that makes cgroups of its own", () => {
  test("has its execs where init is, once its own cgroup takes no processes any more", (t) =>
    withInner(t, async (bench, id, cgroup) => {
      const processes = readFileSync(join(cgroup, "cgroup.procs"), "utf8").trim().split("\n");
      for (const pid of processes) writeFileSync(join(cgroup, "inner", "cgroup.procs"), pid);
      const placeOf = async (name: string): Promise<string> => {
        const text = await bench.exec(id, name, "grep ^0:: /proc/self/cgroup");
        return text.trim().split("/").at(-1) ?? "";
      };
      assert.notEqual(await placeOf("before"), "inner");
      writeFileSync(join(cgroup, "cgroup.subtree_control"), "+memory");
      assert.equal(await placeOf("behind"), "inner");
    }));

  test("is removed with those of threads alone", (t) =>
    withInner(t, async (bench, id, cgroup) => {
      writeFileSync(join(cgroup, "inner", "cgroup.type"), "threaded");
      const { pid } = await bench.runtime.state(id);
      writeFileSync(join(cgroup, "inner", "cgroup.threads"), String(pid));
    }));
});
