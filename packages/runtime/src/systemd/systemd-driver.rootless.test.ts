import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { isSystemdRunning } from "@orlop/kernel";
import { bounded, until, withBench } from "../process/process-bench-fixture.ts";

const uid = process.getuid?.() ?? 0;
const home = `/run/user/${uid}`;

function obstacle(): string | undefined {
  if (!isSystemdRunning()) return "needs systemd as process 1 (npm run test:v2)";
  return existsSync(`${home}/systemd/private`)
    ? undefined
    : "needs a systemd of the user's own (loginctl enable-linger)";
}

function show(unit: string, name: string): string {
  return execFileSync("systemctl", ["--user", "show", unit, `--property=${name}`, "--value"], {
    encoding: "utf8",
  }).trim();
}

suite("an ordinary user's container in a unit of the user's systemd", () => {
  test("lives there from its creation to its end, also made and entered from elsewhere", async (t) => {
    const reason = obstacle();
    if (reason !== undefined) return t.skip(reason);
    // Of the one that tests have for themselves systemd knows nothing.
    process.env.XDG_RUNTIME_DIR = home;
    await withBench(
      t,
      async (bench) => {
        const { runtime } = bench;
        const script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done";
        const request = bench.request(script, { linux: { cgroupsPath: "", resources: { pids: { limit: 40n } } } });
        const { id } = request;
        const unit = `orlop-${id}.scope`;
        await runtime.create(request);
        const { pid = 0 } = await runtime.state(id);
        const cgroup = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim();
        assert.equal(cgroup, `0::/user.slice/user-${uid}.slice/user@${uid}.service/user.slice/${unit}`);
        assert.equal(readFileSync(`/sys/fs/cgroup${cgroup.slice("0::".length)}/pids.max`, "utf8"), "40\n");
        assert.equal(show(unit, "TasksMax"), "40");
        await runtime.start(id);
        await bench.outputHas(id, "ready");
        assert.equal(await bench.exec(id, "look", "cat /proc/self/cgroup"), "0::/\n");
        await runtime.update(id, { pids: { limit: 30n } });
        assert.equal(show(unit, "TasksMax"), "30");
        await runtime.pause(id);
        assert.equal((await runtime.state(id)).status, "paused");
        await runtime.resume(id);
        await runtime.signal(id, 15);
        assert.equal((await bounded("the wait", runtime.wait(id))).exitCode, 9);
        await runtime.delete(id);
        await until("its unit to be gone", () => (show(unit, "LoadState") === "not-found" ? true : undefined));
      },
      { rootless: true, cgroupDriver: "systemd" },
    );
  });
});
