import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { cgroupDirectories } from "@orlop/testkit";
import { type ProcessBench, withBench } from "./process-bench-fixture.ts";

/** The container's cgroup of version 2, if there is one; of a controller, if it has that to hand on. */
function unifiedCgroup(id: string, controller: string): string | undefined {
  return cgroupDirectories(id).find((path) => {
    try {
      return readFileSync(join(path, "cgroup.controllers"), "utf8").includes(controller);
    } catch {
      return false;
    }
  });
}

/** Runs `work` with a container that has a cgroup below its own. */
function withInner(
  t: TestContext,
  controller: "memory" | "",
  work: (bench: ProcessBench, id: string, cgroup: string) => Promise<void>,
) {
  return withBench(t, async (bench) => {
    const id = await bench.start("sleep 1000 & exec sleep 1001");
    const cgroup = unifiedCgroup(id, controller);
    if (cgroup === undefined)
      t.skip(`needs version 2 of cgroups${controller === "" ? "" : ` with controller ${controller}`}`);
    else {
      mkdirSync(join(cgroup, "inner"));
      await work(bench, id, cgroup);
    }
    await bench.runtime.delete(id, { force: true });
    assert.deepEqual(cgroupDirectories(id), []);
  });
}

/** The cgroup of version 2 that an exec finds itself in, by its last name. */
async function execPlace(bench: ProcessBench, id: string, execId: string): Promise<string> {
  const text = await bench.exec(id, execId, "grep ^0:: /proc/self/cgroup");
  return text.trim().split("/").at(-1) ?? "";
}

/** Until there are none: one of them may start another meanwhile. */
function moveProcesses(from: string, to: string): void {
  for (;;) {
    const pids = readFileSync(join(from, "cgroup.procs"), "utf8").trim();
    if (pids === "") return;
    for (const pid of pids.split("\n")) writeFileSync(join(to, "cgroup.procs"), pid);
  }
}

suite("a container that makes cgroups of its own", () => {
  test("has its execs where init is, once its own cgroup takes no processes any more", (t) =>
    withInner(t, "memory", async (bench, id, cgroup) => {
      moveProcesses(cgroup, join(cgroup, "inner"));
      assert.notEqual(await execPlace(bench, id, "before"), "inner");
      writeFileSync(join(cgroup, "cgroup.subtree_control"), "+memory");
      assert.equal(await execPlace(bench, id, "behind"), "inner");
    }));

  test("has its execs where init is, once its own cgroup is gone", async (t) => {
    let moved = "";
    await withInner(t, "", async (bench, id, cgroup) => {
      moved = join(dirname(cgroup), `moved-${process.pid}`);
      mkdirSync(moved);
      moveProcesses(cgroup, moved);
      rmdirSync(join(cgroup, "inner"));
      rmdirSync(cgroup);
      assert.match(await execPlace(bench, id, "behind"), /moved-\d+$/);
    });
    if (moved !== "") rmdirSync(moved);
  });

  test("is removed with those of threads alone", (t) =>
    withInner(t, "memory", async (bench, id, cgroup) => {
      writeFileSync(join(cgroup, "inner", "cgroup.type"), "threaded");
      const { pid } = await bench.runtime.state(id);
      writeFileSync(join(cgroup, "inner", "cgroup.threads"), String(pid));
    }));
});
