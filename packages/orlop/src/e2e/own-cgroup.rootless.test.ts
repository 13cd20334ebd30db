import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { CommandFixture } from "./command-fixture.ts";
import { DaemonProcess } from "./daemon-fixture.ts";
import { userSystemd } from "./tested-systemd-fixture.ts";

const { env, obstacle } = userSystemd();
const services = `/user.slice/user-${process.getuid?.()}.slice/user@${process.getuid?.()}.service/`;

for (const daemon of [false, true]) {
  const title = daemon ? ", also with a daemon" : "";
  test(`a user's containers have limits and are entered where the shell's cgroup is somebody else's${title}`, {
    skip: obstacle ?? false,
  }, async () => {
    using fixture = new CommandFixture(env);
    const ok = async (...args: readonly string[]): Promise<string> => {
      const { exitCode, signal, stdout, stderr } = await fixture.orlop(args);
      assert.deepEqual([exitCode, signal, stderr], [0, null, ""], args.join(" "));
      return stdout.trim();
    };
    await using _served = daemon ? await DaemonProcess.start(fixture) : undefined;
    const own = readFileSync("/proc/self/cgroup", "utf8");
    await ok("run", "-d", "--name", "limited", "-m", "64m", "--pids-limit", "50", "host", "sleep", "1000");
    const pid = await ok("inspect", "-f", "{{.State.Pid}}", "limited");
    const [, path = ""] = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("::");
    assert.ok(path.startsWith(services), path);
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
