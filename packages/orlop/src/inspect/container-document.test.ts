import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defaultSpec, RLIM_INFINITY, type RuntimeSpec } from "@orlop/core";
import type { ContainerDescription, ContainerState } from "@orlop/engine";
import type { ContainerSize } from "../containers/container-size.ts";
import { DockerClient, dockerClientObstacle } from "../format/docker-client-fixture.ts";
import { valueJson } from "../format/template/value-json.ts";
import { containerOf } from "../run/described-container-fixture.ts";
import { containerDocument } from "./container-document.ts";

interface Made {
  readonly description?: Partial<ContainerDescription>;
  readonly state?: Partial<ContainerState>;
  readonly spec?: Partial<RuntimeSpec>;
  readonly size?: ContainerSize;
}

const CONNECTED: Made = {
  description: {
    volumes: [{ name: "data", destination: "/data", isAnonymous: false }],
    network: {
      kind: "networks",
      attachments: [{ network: "lan", aliases: ["www"] }],
      ports: [{ protocol: "tcp", containerPort: 80 }],
    },
  },
  state: {
    status: "running",
    endpoints: [
      {
        id: "e",
        network: "n",
        interfaceName: "eth0",
        addresses: ["172.30.0.2/16", "fd00::2/64"],
        hardwareAddress: "02:42:ac:1e:00:02",
        gateways: ["172.30.0.1"],
        routes: [],
        resolvers: { servers: [], search: [], options: [] },
        names: ["box"],
        ports: [{ protocol: "tcp", hostAddress: "127.0.0.1", hostPort: 8080, containerPort: 80, count: 1 }],
        egress: "all",
        labels: {},
      },
    ],
  },
  spec: { mounts: [{ destination: "/data", type: "bind", source: "/srv/volumes/data", options: ["rbind"] }] },
};

/** With what docker's client calls by other words than the config. */
const ASKED: Made = {
  description: {
    namespaces: { pid: "host", ipc: { container: "c".repeat(64) }, uts: "host", cgroup: "host", user: "host" },
    wishes: {
      blockDevices: { "8:0": "/dev/disk/by-id/one" },
      devices: [{ host: "/dev/null", path: "/dev/x", access: "r" }],
      deviceRules: ["c 13:* rwm"],
      cgroupParent: "/some/where",
    },
  },
  spec: {
    annotations: { "org.example.a": "1" },
    linux: {
      resources: {
        memory: { swappiness: 3, disableOOMKiller: true },
        cpu: { realtimePeriod: 1000, realtimeRuntime: 500 },
        blockIO: {
          weight: 200,
          weightDevice: [{ major: 8, minor: 0, weight: 300 }],
          throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }],
          throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 2 }],
          throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 3 }],
          throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 4 }],
        },
      },
    },
  },
};

const ID = "0123456789abcdef".repeat(4);

function made({ description = {}, state = {}, spec, size }: Made = {}): string {
  const base = defaultSpec({ rootPath: "/", thermalThrottleCpus: [] });
  const container = containerOf({ id: ID, ...description }, state);
  return valueJson(
    containerDocument({ container, spec: { ...base, hostname: "box", ...spec }, logPath: "/var/lib/x/log", size }),
  );
}

const document = (what?: Made) => JSON.parse(made(what));

describe("a container's document", () => {
  test("tells what it is, and nothing of what has not been", () => {
    const said = document();
    assert.deepEqual([said.Id, said.Name, said.Path, said.Args], [ID, "/box", "true", []]);
    assert.equal(said.Created, "2026-01-02T03:04:05.000Z");
    assert.equal(said.LogPath, "/var/lib/x/log");
    assert.deepEqual(said.GraphDriver, { Data: null, Name: "host" });
    assert.deepEqual(
      [said.State.Status, said.State.Running, said.State.Pid, said.State.StartedAt],
      ["created", false, 0, "0001-01-01T00:00:00Z"],
    );
    assert.deepEqual([said.Config.Hostname, said.Config.StopSignal, said.Config.StopTimeout], ["box", "SIGTERM", 10]);
    assert.equal(said.HostConfig.ShmSize, 64 * 1024 * 1024);
  });

  test("tells processor time as it was asked for: so many CPUs, or a quota", () => {
    const told = (cpu: object) => {
      const { NanoCpus, CpuPeriod, CpuQuota } = document({ spec: { linux: { resources: { cpu } } } }).HostConfig;
      return [NanoCpus, CpuPeriod, CpuQuota];
    };
    assert.deepEqual(told({ period: 100_000, quota: 150_000 }), [1_500_000_000, 0, 0]);
    assert.deepEqual(told({ quota: 50_000 }), [0, 0, 50_000]);
    assert.deepEqual(told({ period: 50_000, quota: 50_000 }), [0, 50_000, 50_000]);
    assert.deepEqual(told({}), [0, 0, 0]);
  });

  test("tells how it runs, and how it has ended", () => {
    const running = document({ state: { status: "paused", pid: 42, startedAtMs: 0 } });
    assert.deepEqual(
      [running.State.Status, running.State.Running, running.State.Paused, running.State.Pid],
      ["paused", true, true, 42],
    );
    const ended = document({ state: { status: "exited", exitCode: 137, oomKilled: true, restartCount: 2 } });
    assert.deepEqual([ended.State.ExitCode, ended.State.OOMKilled, ended.RestartCount], [137, true, 2]);
  });

  test("reads back what it was asked to be", () => {
    const { HostConfig: host, Mounts: mounts } = document({
      description: {
        mountPoints: [],
        restart: { name: "on-failure", maximumRetryCount: 3 },
        log: { driver: "file", maxSizeBytes: 1000 },
        process: {
          args: ["true"],
          cwd: "/",
          user: { uid: 0, gid: 0 },
          capabilities: { bounding: ["CAP_CHOWN", "CAP_NET_ADMIN"] },
          rlimits: [
            { type: "RLIMIT_NOFILE", soft: 1, hard: 2 },
            { type: "RLIMIT_MEMLOCK", soft: 3, hard: RLIM_INFINITY },
          ],
        },
      },
      spec: {
        mounts: [
          { destination: "/data", type: "bind", source: "/srv/data", options: ["rbind", "ro", "rslave"] },
          { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "size=1024"] },
        ],
        linux: {
          resources: { memory: { limit: 1024, swap: 2048 }, cpu: { shares: 5 }, pids: { limit: 9 } },
          maskedPaths: ["/proc/kcore"],
        },
      },
    });
    assert.deepEqual(host.Binds, ["/srv/data:/data:ro"]);
    assert.deepEqual(host.Tmpfs, { "/tmp": "nosuid,size=1024" });
    assert.deepEqual(host.RestartPolicy, { Name: "on-failure", MaximumRetryCount: 3 });
    assert.deepEqual(host.LogConfig, { Type: "json-file", Config: { "max-size": "1000" } });
    assert.deepEqual(host.CapAdd, ["CAP_NET_ADMIN"]);
    assert.equal(host.CapDrop.includes("CAP_CHOWN"), false);
    assert.equal(host.CapDrop.includes("CAP_KILL"), true);
    assert.deepEqual([host.Memory, host.MemorySwap, host.CpuShares, host.PidsLimit], [1024, 2048, 5, 9]);
    assert.deepEqual(host.Ulimits, [
      { Name: "nofile", Hard: 2, Soft: 1 },
      { Name: "memlock", Hard: -1, Soft: 3 },
    ]);
    assert.deepEqual(mounts[0], {
      Type: "bind",
      Source: "/srv/data",
      Destination: "/data",
      Mode: "",
      RW: false,
      Propagation: "rslave",
    });
  });
});

test("a container's document has docker's words for what was asked for", () => {
  const { HostConfig: host } = document(ASKED);
  const modes = [host.PidMode, host.IpcMode, host.UTSMode, host.CgroupnsMode, host.UsernsMode];
  assert.deepEqual(modes, ["host", `container:${"c".repeat(64)}`, "host", "host", "host"]);
  assert.deepEqual(host.Annotations, { "org.example.a": "1" });
  assert.deepEqual(host.Devices, [{ PathOnHost: "/dev/null", PathInContainer: "/dev/x", CgroupPermissions: "r" }]);
  assert.deepEqual([host.DeviceCgroupRules, host.CgroupParent], [["c 13:* rwm"], "/some/where"]);
  assert.deepEqual([host.MemorySwappiness, host.OomKillDisable, host.BlkioWeight], [3, true, 200]);
  assert.deepEqual([host.CpuRealtimePeriod, host.CpuRealtimeRuntime], [1000, 500]);
  assert.deepEqual(host.BlkioWeightDevice, [{ Path: "/dev/disk/by-id/one", Weight: 300 }]);
  assert.deepEqual(host.BlkioDeviceReadBps, [{ Path: "/dev/disk/by-id/one", Rate: 1 }]);
  assert.deepEqual(host.BlkioDeviceWriteIOps, [{ Path: "8:16", Rate: 4 }]);
  const plain = document().HostConfig;
  assert.deepEqual([plain.PidMode, plain.IpcMode, plain.UTSMode, plain.CgroupnsMode], ["", "private", "", "private"]);
});

test("a container's document tells of its volumes and networks", () => {
  const { HostConfig: host, Mounts: mounts, NetworkSettings: settings } = document(CONNECTED);
  assert.deepEqual(host.Binds, ["data:/data"]);
  assert.deepEqual(
    mounts.map(({ Type, Name, Source, Driver }: Record<string, unknown>) => [Type, Name, Source, Driver]),
    [["volume", "data", "/srv/volumes/data", "local"]],
  );
  assert.equal(host.NetworkMode, "lan");
  assert.deepEqual(host.PortBindings, { "80/tcp": [{ HostIp: "", HostPort: "" }] });
  assert.deepEqual(settings.Ports, { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }] });
  const { lan } = settings.Networks;
  assert.deepEqual(
    [lan.IPAddress, lan.IPPrefixLen, lan.Gateway, lan.Aliases],
    ["172.30.0.2", 16, "172.30.0.1", ["www"]],
  );
  assert.equal(settings.IPAddress, "172.30.0.2");
});

test("docker's client finds all its fields in a container's document, in their order", {
  skip: await dockerClientObstacle(),
}, async () => {
  const cases: readonly Made[] = [
    {},
    CONNECTED,
    ASKED,
    { size: { rwBytes: 0, rootFsBytes: 1_000_000 } },
    {
      description: { init: true, terminal: true, labels: { a: "1" }, config: { Entrypoint: ["e"], Cmd: ["c"] } },
      state: { status: "running", pid: 7, startedAtMs: 1 },
      spec: { mounts: [{ destination: "/data", type: "bind", source: "/srv", options: [] }] },
    },
  ];
  for (const what of cases) {
    await using docker = await DockerClient.start({ "/containers/box/json": document(what) });
    const { stdout, stderr } = await docker.run("container", "inspect", "--format", "{{json .}}", "box");
    assert.equal(stderr, "");
    assert.equal(stdout.trim(), made(what));
  }
});
