import assert from "node:assert/strict";
import { test } from "node:test";
import type { MachineView } from "../../run/machine-view.ts";
import type { RunOptions } from "../../run/run-options.ts";
import type { ContainerOptions } from "./container-options.ts";
import { readContainerOptions } from "./read-container-options.ts";

const MACHINE: MachineView = {
  cwd: "/here",
  env: {},
  cpuCount: 4,
  modules: { apparmor: false, selinux: false },
  rootless: false,
  uid: 0,
  gid: 0,
  umask: 0o22,
  capabilities: new Set(["CAP_CHOWN"]),
  hostname: "machine",
  home: "/root",
  kernelRelease: "6.12",
  swapLimits: true,
  thermalThrottleCpus: [],
};

const read = (options: Partial<ContainerOptions>): RunOptions =>
  readContainerOptions({ image: "host", ...options }, MACHINE);

test("a container of the library has the limits that a command line says", () => {
  const { limits, oomScoreAdj, rlimits } = read({
    memory: "64m",
    memorySwap: -1,
    memoryReservation: 1_000_000,
    memorySwappiness: 3,
    oomKillDisable: true,
    oomScoreAdj: -5,
    cpuShares: 100,
    cpuRealtimePeriod: 1000,
    cpuRealtimeRuntime: 500,
    cpusetCpus: "0-1",
    blkioWeight: 200,
    pids: 9,
    ulimits: { nofile: "1024:2048" },
    cgroupSettings: { "memory.high": "100" },
  });
  assert.deepEqual(limits, {
    memory: { limit: 67_108_864, swap: -1, reservation: 1_000_000, swappiness: 3, disableOOMKiller: true },
    cpu: { shares: 100, realtimePeriod: 1000, realtimeRuntime: 500, cpus: "0-1" },
    blockIO: { weight: 200 },
    pids: { limit: 9 },
    unified: { "memory.high": "100" },
  });
  assert.deepEqual([oomScoreAdj, rlimits], [-5, [{ type: "RLIMIT_NOFILE", soft: 1024, hard: 2048 }]]);
});

test("a container of the library has the namespaces, files and rights that a command line says", () => {
  const options = read({
    namespaces: { pid: "host", ipc: "container:other", uts: "host", cgroup: "host", user: "host" },
    annotations: { "org.example.a": "x=y" },
    deviceRules: ["c 13:* rwm"],
    cgroupParent: "/some/where",
    volumesFrom: ["other:ro"],
    tmpfs: ["/mem:size=1m"],
    mounts: [{ volume: "data", to: "/data", owner: "user" }],
    hosts: { db: "10.0.0.9" },
    capDrop: ["ALL"],
    readOnly: true,
    init: false,
    umask: "0077",
    timeZone: "local",
    entrypoint: "--not-a-flag",
  });
  assert.deepEqual(options.namespaces, {
    pid: "host",
    ipc: { container: "other" },
    uts: "host",
    cgroup: "host",
    user: "host",
  });
  assert.deepEqual([options.annotations, options.wishes?.cgroupParent], [{ "org.example.a": "x=y" }, "/some/where"]);
  assert.deepEqual(options.deviceRules, [{ allow: true, type: "c", major: 13, minor: -1, access: "rwm" }]);
  assert.deepEqual(options.volumesFrom, [{ container: "other", readonly: true }]);
  assert.deepEqual(
    options.mounts.map(({ mount, volume }) => [mount.destination, mount.type, volume?.name]),
    [
      ["/data", "bind", "data"],
      ["/mem", "tmpfs", undefined],
    ],
  );
  assert.deepEqual(options.addedHosts, [{ address: "10.0.0.9", names: ["db"] }]);
  assert.deepEqual(
    [options.capabilities.drop, options.readOnly, options.init, options.umask, options.timeZone, options.entrypoint],
    [["ALL"], true, false, 0o77, "local", "--not-a-flag"],
  );
});

test("options of the library that mean nothing are refused by their names", () => {
  const cases: readonly (readonly [options: object, field: string | undefined])[] = [
    [{ namespaces: { pid: "host", net: "host" } }, "net"],
    [{ namespaces: { uts: "private" } }, "uts"],
    [{ namespaces: "host" }, "namespaces"],
    [{ devices: "/dev/null" }, "devices"],
    [{ annotations: { a: 1 } }, "annotations"],
    [{ privileged: "yes" }, "privileged"],
    [{ cpuShares: 1.5 }, "cpuShares"],
    [{ memorySwap: -2 }, "memorySwap"],
    [{ cgroupSettings: { "../x": "1" } }, undefined],
    [{ mounts: [{ volume: "data", to: "/data", owner: "map" }] }, undefined],
    [{ tmpfs: ["/data"], mounts: [{ volume: "data", to: "/data" }] }, "mounts"],
  ];
  for (const [options, field] of cases) {
    const expected = { code: "invalid", ...(field === undefined ? {} : { field }) };
    assert.throws(() => read(options), expected, JSON.stringify(options));
  }
});

test("all other options stand for flags as well", () => {
  const options = read({
    platform: "linux/arm64",
    pull: "never",
    hostname: "front",
    domainname: "example",
    env: { A: "1" },
    workdir: "/srv",
    user: "5",
    groups: ["6"],
    stopSignal: "SIGUSR1",
    timeLimitSeconds: 90,
    labels: { b: "2" },
    shmSize: "1m",
    devices: ["/dev/null:/dev/x:r"],
    network: "lan",
    networkAliases: ["www"],
    ports: ["8080:80"],
    dns: ["9.9.9.9"],
    capAdd: ["NET_RAW"],
    securityOptions: ["no-new-privileges"],
    privileged: true,
    sysctls: { "net.core.somaxconn": "128" },
    runtime: "oci:runc",
    cpuPeriod: 50_000,
    cpuQuota: 25_000,
    cpusetMems: "0",
  });
  assert.deepEqual(
    [options.platform, options.pull, options.hostname, options.domainname, options.workdir, options.user],
    [{ os: "linux", architecture: "arm64" }, "never", "front", "example", "/srv", "5"],
  );
  assert.equal(options.timeLimitMs, 90_000);
  assert.deepEqual(
    [options.groupsToAdd, options.stopSignal, options.labels, options.shmSizeBytes, options.devices[0]?.device.path],
    [["6"], 10, { b: "2" }, 1_048_576, "/dev/x"],
  );
  assert.deepEqual(
    [options.capabilities.add, options.security.noNewPrivileges, options.privileged, options.runtime.kind],
    [["NET_RAW"], true, true, "oci"],
  );
  assert.deepEqual(options.limits.cpu, { period: 50_000, quota: 25_000, mems: "0" });
  assert.equal(options.network.kind === "networks" && options.network.attachments[0]?.network, "lan");
  assert.deepEqual([options.dns.servers, options.sysctl], [["9.9.9.9"], { "net.core.somaxconn": "128" }]);
  assert.equal(read({ disk: "1g" }).storageSizeMaxBytes, 1024 ** 3);
});
