import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { Codec } from "@orlop/core/protobuf";
import { isSystemdRunning } from "@orlop/kernel";
import { rootObstacle, until } from "../process/process-bench-fixture.ts";
import { TASK_STATUS } from "../shim-protocol/task-api.ts";
import { withShim } from "./shim-bench-fixture.ts";

const OPTIONS = new Codec({ Options: { systemdCgroup: [9, "bool"] } } as const);
const options = { typeUrl: "containerd.runc.v1.Options", value: OPTIONS.encode("Options", { systemdCgroup: true }) };
const RESOURCES = { memory: { limit: 32 << 20 } };

function unitProperty(unit: string, name: string): string {
  return execFileSync("systemctl", ["show", "--value", `--property=${name}`, unit], { encoding: "utf8" }).trim();
}

suite("a task whose options name systemd", () => {
  test("is refused where there is none", { skip: isSystemdRunning() && "needs a machine without systemd" }, (t) =>
    withShim(t, async (bench) => {
      const request = { ...bench.bundle("refused", "true"), options };
      await assert.rejects(bench.call("Create", request), {
        code: "unsupported",
        message: /this machine runs without systemd/,
      });
      assert.deepEqual(bench.events, []);
    }),
  );

  test("lives in the unit of the slice that its config says", { skip: rootObstacle() ?? systemdObstacle() }, (t) =>
    withShim(t, async (bench) => {
      const id = bench.id("lives");
      const linux = { cgroupsPath: `system.slice:box:${id}` };
      const request = bench.bundle("lives", "trap 'exit 5' TERM; while :; do sleep 0.05; done", { linux });
      const { pid } = await bench.call("Create", { ...request, options });
      const unit = `box-${id}.scope`;
      assert.match(readFileSync(`/proc/${pid}/cgroup`, "utf8"), new RegExp(`^0::/system.slice/${unit}$`, "m"));
      await bench.call("Start", { id });
      await bench.call("Update", { id, resources: { typeUrl: "", value: Buffer.from(JSON.stringify(RESOURCES)) } });
      assert.equal(unitProperty(unit, "MemoryMax"), String(RESOURCES.memory.limit));
      await bench.call("Pause", { id });
      assert.equal((await bench.call("State", { id })).status, TASK_STATUS.paused);
      await bench.call("Resume", { id });
      assert.deepEqual((await bench.call("Pids", { id })).processes[0]?.pid, pid);
      await bench.call("Kill", { id, signal: 15 });
      assert.equal((await bench.call("Wait", { id })).exitStatus, 5);
      await bench.call("Delete", { id });
      await until("the end of the unit", () => unitProperty(unit, "LoadState") === "not-found" || undefined);
    }),
  );
});

function systemdObstacle(): string | false {
  return isSystemdRunning() ? false : "needs systemd as process 1 (npm run test:v2)";
}
