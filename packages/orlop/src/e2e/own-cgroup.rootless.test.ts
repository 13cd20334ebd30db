import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { isSystemdRunning } from "@orlop/kernel";
import { CommandFixture } from "./command-fixture.ts";
import { DaemonProcess } from "./daemon-fixture.ts";

const uid = process.getuid?.() ?? 0;
const home = `/run/user/${uid}`;

function obstacle(): string | false {
  if (uid === 0) return "needs an ordinary user";
  if (!isSystemdRunning()) return "needs systemd as process 1 (npm run test:v2)";
  if (!existsSync("/sys/fs/cgroup/cgroup.controllers")) return "needs version 2 of cgroups alone";
  return existsSync(`${home}/systemd/private`) ? false : "needs a systemd of the user's own (loginctl enable-linger)";
}

for (const daemon of [false, true]) {
  const title = daemon ? ", also with a daemon" : "";
  test(`a user's containers have limits and are entered where the shell's cgroup is somebody else's${title}`, {
    skip: obstacle(),
  }, async () => {
    using fixture = new CommandFixture({ XDG_RUNTIME_DIR: home });
    const ok = async (...args: readonly string[]): Promise<string> => {
      const { exitCode, stdout, stderr } = await fixture.orlop(args);
      assert.deepEqual([exitCode, stderr], [0, ""], args.join(" "));
      return stdout.trim();
    };
    await using _served = daemon ? await DaemonProcess.start(fixture) : undefined;
    const own = readFileSync("/proc/self/cgroup", "utf8");
    await ok("run", "-d", "--name", "limited", "-m", "64m", "--pids-limit", "50", "host", "sleep", "1000");
    const pid = await ok("inspect", "-f", "{{.State.Pid}}", "limited");
    const [, path = ""] = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("::");
    assert.ok(path.startsWith(`/user.slice/user-${uid}.slice/user@${uid}.service/`), path);
    const setting = (name: string): string => readFileSync(`/sys/fs/cgroup${path}/${name}`, "utf8").trim();
    assert.deepEqual([setting("memory.max"), setting("pids.max")], [String(64 * 1024 * 1024), "50"]);
    assert.equal(await ok("exec", "limited", "echo", "entered"), "entered");
    assert.equal(await ok("run", "--rm", "-m", "64m", "host", "echo", "in front"), "in front");
    await ok("pause", "limited");
    await ok("unpause", "limited");
    await ok("rm", "-f", "limited");
    assert.equal(existsSync(`/sys/fs/cgroup${path}`), false);
    assert.equal(readFileSync("/proc/self/cgroup", "utf8"), own, "nobody else is moved");
  });
}
