import { readFileSync } from "node:fs";
import type { LinuxResources } from "@orlop/core";
import type { DifferentialConfig } from "../differential/differential-config.ts";
import { baseSpec, linuxConfig, withLinux } from "./base-spec.ts";

const mebibyte = 1 << 20;

function resourceConfig(name: string, exercises: string, resources: LinuxResources): DifferentialConfig {
  return linuxConfig(name, exercises, { resources: { devices: [{ allow: false, access: "rwm" }], ...resources } });
}

const limitConfigs: readonly DifferentialConfig[] = [
  resourceConfig("memory", "memory limits", {
    memory: { limit: 64 * mebibyte, reservation: 32 * mebibyte, swap: 128 * mebibyte },
  }),
  resourceConfig("memory-limit-only", "a memory limit without one for swap", { memory: { limit: 64 * mebibyte } }),
  resourceConfig("memory-unlimited", "memory limits of -1", { memory: { limit: -1, swap: -1 } }),
  resourceConfig("memory-swappiness", "swappiness and the OOM killer", {
    memory: { limit: 64 * mebibyte, swappiness: 10, disableOOMKiller: true },
  }),
  resourceConfig("memory-swap-below-limit", "less memory with swap than without", {
    memory: { limit: 64 * mebibyte, swap: 32 * mebibyte },
  }),
  resourceConfig("memory-tcp", "a limit of TCP buffers", { memory: { kernelTCP: 8 * mebibyte } }),
  resourceConfig("cpu", "shares, quota and period", { cpu: { shares: 512, quota: 20_000, period: 50_000 } }),
  resourceConfig("cpu-quota-only", "a quota without a period", { cpu: { quota: 20_000 } }),
  resourceConfig("cpu-unlimited", "a quota of -1", { cpu: { quota: -1, shares: 0 } }),
  resourceConfig("cpu-burst", "a CPU burst", { cpu: { quota: 20_000, period: 50_000, burst: 10_000 } }),
  resourceConfig("cpu-idle", "an idle cgroup", { cpu: { idle: 1 } }),
  resourceConfig("cpuset", "CPUs and memory nodes", { cpu: { cpus: "0", mems: "0" } }),
  resourceConfig("cpuset-impossible", "a CPU that the machine does not have", { cpu: { cpus: "4000" } }),
  resourceConfig("pids", "a limit of tasks", { pids: { limit: 50 } }),
  resourceConfig("pids-unlimited", "a task limit of -1", { pids: { limit: -1 } }),
  resourceConfig("pids-zero", "a task limit of 0", { pids: { limit: 0 } }),
  resourceConfig("block-io-weight", "a block I/O weight", { blockIO: { weight: 300 } }),
  resourceConfig("huge-pages", "a huge page limit", { hugepageLimits: [{ pageSize: "2MB", limit: 0 }] }),
  resourceConfig("huge-pages-odd-size", "a huge page size that the machine does not have", {
    hugepageLimits: [{ pageSize: "3MB", limit: 0 }],
  }),
  resourceConfig("network-class", "a network class", { network: { classID: 0x10001 } }),
  resourceConfig("unified", "cgroup v2 files by name", { unified: { "pids.max": "77" } }),
  resourceConfig("rdma", "RDMA limits of a device that is not there", { rdma: { mlx5_0: { hcaHandles: 3 } } }),
];

const pathConfigs: readonly DifferentialConfig[] = [
  {
    name: "cgroup-path-nested",
    exercises: "a nested cgroup path",
    make: (context) => withLinux(baseSpec(context), { cgroupsPath: `/${context.id}/sub` }),
  },
  {
    name: "cgroup-path-relative",
    exercises: "a relative cgroup path",
    make: (context) => withLinux(baseSpec(context), { cgroupsPath: context.id }),
  },
  {
    name: "cgroup-path-absent",
    exercises: "no cgroup path",
    make: (context) => {
      const spec = baseSpec(context);
      const { cgroupsPath: _, ...linux } = spec.linux ?? {};
      return { ...spec, linux };
    },
  },
];

/** What the host has, so that a runtime that sets it there changes nothing. */
function hostValue(name: string): string {
  return readFileSync(`/proc/sys/${name.replaceAll(".", "/")}`, "utf8").trim();
}

const sysctlConfigs: readonly DifferentialConfig[] = [
  linuxConfig("sysctl", "sysctls of the container's namespaces", {
    sysctl: {
      "net.ipv4.ip_forward": "1",
      "net.ipv4.ping_group_range": "0 2000",
      "net.core.somaxconn": "1000",
      "net.ipv4.ip_unprivileged_port_start": "0",
      "kernel.shm_rmid_forced": "1",
      "kernel.msgmax": "65536",
      "kernel.sem": "250 32000 100 128",
      "fs.mqueue.msg_max": "20",
    },
  }),
  linuxConfig("sysctl-with-slashes", "a sysctl written with slashes", { sysctl: { "net/ipv4/ip_forward": "1" } }),
  linuxConfig("sysctl-host-name", "the host name as a sysctl", { sysctl: { "kernel.hostname": "from-sysctl" } }),
  linuxConfig("sysctl-domain-name", "the domain name as a sysctl", { sysctl: { "kernel.domainname": "from-sysctl" } }),
  linuxConfig("sysctl-missing", "a sysctl that does not exist", { sysctl: { "net.ipv4.no_such_thing": "1" } }),
  linuxConfig("sysctl-bad-value", "a sysctl value that the kernel refuses", { sysctl: { "net.ipv4.ip_forward": "x" } }),
  linuxConfig("sysctl-escaping", "a sysctl name that leaves its directory", {
    sysctl: { "net.ipv4/../../kernel/hostname": "escaped" },
  }),
  {
    name: "sysctl-of-host",
    exercises: "a sysctl of no namespace",
    make: (context) =>
      withLinux(baseSpec(context), { sysctl: { "vm.overcommit_memory": hostValue("vm.overcommit_memory") } }),
  },
  {
    name: "sysctl-of-shared-namespace",
    exercises: "a network sysctl in the host's network namespace",
    make: (context) => {
      const spec = baseSpec(context);
      const namespaces = (spec.linux?.namespaces ?? []).filter(({ type }) => type !== "network");
      return withLinux(spec, { namespaces, sysctl: { "net.ipv4.ip_forward": hostValue("net.ipv4.ip_forward") } });
    },
  },
  {
    name: "sysctl-of-shared-ipc",
    exercises: "an ipc sysctl in the host's ipc namespace",
    make: (context) => {
      const spec = baseSpec(context);
      const namespaces = (spec.linux?.namespaces ?? []).filter(({ type }) => type !== "ipc");
      return withLinux(spec, { namespaces, sysctl: { "kernel.msgmax": hostValue("kernel.msgmax") } });
    },
  },
];

/** Cgroups and their limits, sysctls. */
export const resourceConfigs: readonly DifferentialConfig[] = [...limitConfigs, ...pathConfigs, ...sysctlConfigs];
