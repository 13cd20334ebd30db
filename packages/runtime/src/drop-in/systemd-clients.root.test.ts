import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { isSystemdRunning } from "@orlop/kernel";
import { patience, until, withTemporaryDirectory } from "@orlop/testkit";
import { clientObstacle } from "./command-fixture.ts";
import { documentedBlock } from "./documented-block-fixture.ts";
import { IMAGE, writeImageArchive } from "./image-archive-fixture.ts";
import { PODMAN_PROGRAMS } from "./podman-configuration-fixture.ts";

/** Clients with systemd's driver are no clients of a namespace: systemd knows processes by the machine's pids. */
type Client = (...args: readonly string[]) => string;

const DOCKER_PROGRAMS = { dockerd: "docker.io", docker: "docker.io", containerd: "containerd" };

const CALL_MAX_MS = patience(60_000);

/** The cgroup of version 2 that a container's process sees from outside. */
function cgroupOf(pid: string): string {
  return /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1] ?? "";
}

function unitProperty(unit: string, name: string): string {
  return execFileSync("systemctl", ["show", "--value", `--property=${name}`, unit], { encoding: "utf8" }).trim();
}

async function withClientDirectory(
  t: TestContext,
  programs: Readonly<Record<string, string>>,
  work: (directory: string) => Promise<void>,
): Promise<void> {
  const obstacle = isSystemdRunning() ? clientObstacle(programs) : "needs systemd as process 1 (npm run test:v2)";
  if (obstacle !== undefined) return t.skip(obstacle);
  await withTemporaryDirectory(work);
}

/** What users do with a container, whose unit is systemd's. */
function liveInUnit(client: Client, runOptions: readonly string[]): void {
  assert.equal(client("run", "--rm", ...runOptions, IMAGE, "echo", "hello"), "hello");
  const limits = ["--memory=64m", "--pids-limit=50"];
  client("run", "--detach", "--name=lasting", ...limits, ...runOptions, IMAGE, "sleep", "1000");
  const cgroup = cgroupOf(client("inspect", "--format={{.State.Pid}}", "lasting"));
  const scope = /([^/]+\.scope)(\/|$)/.exec(cgroup)?.[1] ?? "";
  assert.deepEqual([unitProperty(scope, "ActiveState"), unitProperty(scope, "MemoryMax")], ["active", "67108864"]);
  assert.equal(client("exec", "lasting", "sh", "-c", "echo $((1 + 1))"), "2");
  client("pause", "lasting");
  assert.equal(client("inspect", "--format={{.State.Status}}", "lasting"), "paused");
  client("unpause", "lasting");
  execFileSync("systemctl", ["daemon-reload"]);
  assert.equal(client("exec", "lasting", "sh", "-c", "echo x >/dev/null && echo written"), "written");
  client("kill", "lasting");
  client("rm", "--force", "lasting");
  assert.equal(unitProperty(scope, "LoadState"), "not-found");
}

function caller(command: readonly string[], env: NodeJS.ProcessEnv = {}): Client {
  const [file = "", ...before] = command;
  const options = { encoding: "utf8", env: { ...process.env, ...env }, timeout: CALL_MAX_MS } as const;
  return (...args) => execFileSync(file, [...before, ...args], options).trim();
}

suite("containers in units of systemd", () => {
  test("live and are saved under podman, whose default it is", (t) =>
    withClientDirectory(t, PODMAN_PROGRAMS, async (directory) => {
      const configuration = join(directory, "containers.conf");
      const lines = documentedBlock("podman", "toml").split("\n");
      writeFileSync(configuration, lines.filter((line) => !line.startsWith("cgroup_manager")).join("\n"));
      const places = [`--root=${directory}/root`, `--runroot=${directory}/run`, `--tmpdir=${directory}/tmp`];
      const podman = caller(["podman", "--storage-driver=vfs", ...places], { CONTAINERS_CONF: configuration });
      podman("load", "--input", writeImageArchive(directory));
      assert.equal(podman("info", "--format={{.Host.CgroupManager}} {{.Host.OCIRuntime.Name}}"), "systemd orlop-oci");
      liveInUnit(podman, ["--network=none"]);
      const counting = "i=0; while :; do i=$((i + 1)); echo $i >/count; sleep 0.1; done";
      podman("run", "--detach", "--name=saved", "--network=none", IMAGE, "sh", "-c", counting);
      const count = (): number => Number(podman("exec", "saved", "cat", "/count"));
      await until("a count", async () => count() > 0);
      podman("container", "checkpoint", "saved");
      assert.match(podman("inspect", "--format={{.State.Status}} {{.State.Checkpointed}}", "saved"), /^exited true$/);
      podman("container", "restore", "saved");
      const restored = count();
      await until("more", async () => count() > restored);
      podman("rm", "--force", "--time=0", "saved");
    }));

  test("live under docker with its driver of that name", (t) =>
    withClientDirectory(t, DOCKER_PROGRAMS, async (directory) => {
      const configuration = JSON.parse(documentedBlock("docker", "json")) as object;
      const places = { "data-root": join(directory, "data"), "exec-root": join(directory, "exec") };
      const hosts = [`unix://${directory}/docker.sock`];
      const nothing = { bridge: "none", iptables: false, ip6tables: false, "storage-driver": "vfs" };
      const file = join(directory, "daemon.json");
      const asked = { "exec-opts": ["native.cgroupdriver=systemd"], pidfile: join(directory, "docker.pid") };
      writeFileSync(file, JSON.stringify({ ...configuration, ...asked, ...places, hosts, ...nothing }));
      mkdirSync(join(directory, "client"));
      const dockerd = spawn("dockerd", ["--config-file", file], { stdio: "ignore" });
      const ended = once(dockerd, "exit");
      try {
        const docker = caller(["docker", "--config", join(directory, "client"), `--host=${hosts[0]}`]);
        await until("an answer of dockerd", async () => {
          try {
            return docker("version") !== "";
          } catch {
            return false;
          }
        });
        docker("load", "--input", writeImageArchive(directory));
        assert.equal(docker("info", "--format={{.CgroupDriver}} {{.DefaultRuntime}}"), "systemd orlop-oci");
        liveInUnit(docker, ["--network=none"]);
      } finally {
        dockerd.kill("SIGTERM");
        await ended;
      }
    }));
});
