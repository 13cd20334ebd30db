import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { LinuxIntelRdt } from "@orlop/core";
import { withTemporaryDirectory } from "@orlop/testkit";
import { planResctrl, resctrlJoins } from "./plan-resctrl.ts";
import { parseResctrlMount } from "./resctrl-mount.ts";

/** What would be done, a line each: `mkdir class`, `class L3:0=f`. */
function planned(root: string, asked: LinuxIntelRdt) {
  const { group, operations } = planResctrl("c1", asked, root);
  const name = (path: string): string => path.slice(root.length + 1);
  return {
    done: operations.map((each) => `${each.kind === "write" ? each.value.trim() : each.kind} ${name(each.directory)}`),
    joined: resctrlJoins(group).map(({ directory, file }) => `${name(directory)} ${file}`),
    removed: group.remove.map(name),
  };
}

/** A file system with one class. */
function withResctrl(check: (root: string) => void): Promise<void> {
  return withTemporaryDirectory(async (root) => {
    mkdirSync(join(root, "gold"));
    writeFileSync(join(root, "gold/schemata"), "    MB:0=100;1=100\n    L3:0=00f;1=7f0\n");
    check(root);
  });
}

suite("the resource director groups of a container", () => {
  test("are its own without a class, and go with it", () =>
    withResctrl((root) => {
      const schemata = ["L2:0=1"];
      assert.deepEqual(planned(root, { l3CacheSchema: "L3:0=f", memBwSchema: "MB:0=20", schemata }), {
        done: ["mkdir c1", "L3:0=f c1", "MB:0=20 c1", "L2:0=1 c1"],
        joined: ["c1 tasks"],
        removed: ["c1"],
      });
      assert.deepEqual(planned(root, {}), { done: ["mkdir c1"], joined: ["c1 tasks"], removed: ["c1"] });
    }));

  test("are those of a class that is there, and stay", () =>
    withResctrl((root) => {
      assert.deepEqual(planned(root, { closID: "gold" }), { done: [], joined: ["gold tasks"], removed: [] });
      const equal = { closID: "gold", l3CacheSchema: "L3:1=7F0;0=f", memBwSchema: "MB:0=100" };
      assert.deepEqual(planned(root, equal).done, ["L3:1=7F0;0=f gold", "MB:0=100 gold"]);
      assert.deepEqual(planned(root, { closID: "/" }), { done: [], joined: [" tasks"], removed: [] });
    }));

  test("are those of a class that is made with the first container, and stay", () =>
    withResctrl((root) => {
      assert.deepEqual(planned(root, { closID: "new", memBwSchema: "MB:0=20" }), {
        done: ["mkdir new", "MB:0=20 new"],
        joined: ["new tasks"],
        removed: [],
      });
    }));

  test("count for the container alone where that is asked for", () =>
    withResctrl((root) => {
      assert.deepEqual(planned(root, { closID: "gold", enableMonitoring: true }), {
        done: ["mkdir gold/mon_groups/c1"],
        joined: ["gold tasks", "gold/mon_groups/c1 tasks"],
        removed: ["gold/mon_groups/c1"],
      });
      assert.deepEqual(planned(root, { enableMonitoring: true }).removed, ["c1"]);
    }));

  test("are refused where they cannot be what is asked for", () =>
    withResctrl((root) => {
      assert.throws(() => planned(root, { closID: "none" }), { code: "not-found", field: "linux.intelRdt.closID" });
      for (const other of [{ l3CacheSchema: "L3:0=ff" }, { memBwSchema: "MB:2=100" }, { l3CacheSchema: "L2:0=f" }]) {
        assert.throws(() => planned(root, { closID: "gold", ...other }), { code: "conflict" });
      }
      assert.throws(() => planResctrl("c1", {}, undefined), { code: "unsupported", field: "linux.intelRdt" });
    }));
});

test("resctrl is where the mount table has it", () => {
  const lines = ["20 1 0:5 / /proc rw - proc proc rw", "21 1 0:9 / /sys/fs/res\\040ctrl rw - resctrl resctrl rw"];
  assert.equal(parseResctrlMount(lines.join("\n")), "/sys/fs/res ctrl");
  assert.equal(parseResctrlMount(lines[0] ?? ""), undefined);
});
