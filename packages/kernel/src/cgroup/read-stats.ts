import { readdirSync } from "node:fs";
import { type CgroupDirectory, directoryFor, unifiedDirectory } from "./cgroup-plan.ts";
import type { CgroupStats, HugetlbStats, IoDeviceStats, PidsStats, RdmaStats, Use } from "./cgroup-stats.ts";
import { parseNestedKeyed, readCgroupFile, readCgroupNumber } from "./read-cgroup-file.ts";
import { readCpuV1, readIoDevicesV1, readMemoryV1 } from "./read-stats-v1.ts";
import { readCpuV2, readIoDevicesV2, readMemoryV2, readPressure } from "./read-stats-v2.ts";

/**
 * Reads what a container uses. Each figure comes from the hierarchy that accounts it, so that a hybrid layout
 * gives version 1's figures and version 2's pressure. A cgroup that is gone reads as one that accounts nothing.
 */
export function readCgroupStats(directories: readonly CgroupDirectory[]): CgroupStats {
  const unified = unifiedDirectory(directories)?.path;
  const io = readIoDevices(directories);
  const ioPressure = unified === undefined ? undefined : readPressure(unified, "io.pressure");
  return {
    cpu: readCpu(directories, unified),
    memory: readMemory(directories, unified),
    pids: readPids(directoryFor(directories, "pids")?.path),
    io: io === undefined && ioPressure === undefined ? undefined : { devices: io ?? [], pressure: ioPressure },
    hugetlb: readHugetlb(directoryFor(directories, "hugetlb")),
    rdma: readRdma(directoryFor(directories, "rdma")?.path),
  };
}

function readCpu(directories: readonly CgroupDirectory[], unified: string | undefined): CgroupStats["cpu"] {
  const accounting = directoryFor(directories, "cpuacct");
  const pressure = unified === undefined ? undefined : readPressure(unified, "cpu.pressure");
  if (accounting?.version === 1) return readCpuV1(accounting.path, directoryFor(directories, "cpu")?.path, pressure);
  // Version 2 counts CPU time in every cgroup, with and without the controller.
  return unified === undefined ? undefined : readCpuV2(unified, pressure);
}

function readMemory(directories: readonly CgroupDirectory[], unified: string | undefined): CgroupStats["memory"] {
  const memory = directoryFor(directories, "memory");
  if (memory === undefined) return undefined;
  const pressure = unified === undefined ? undefined : readPressure(unified, "memory.pressure");
  return memory.version === 1 ? readMemoryV1(memory.path, pressure) : readMemoryV2(memory.path, pressure);
}

function readIoDevices(directories: readonly CgroupDirectory[]): readonly IoDeviceStats[] | undefined {
  const io = directoryFor(directories, "blkio");
  if (io === undefined) return undefined;
  return io.version === 1 ? readIoDevicesV1(io.path) : readIoDevicesV2(io.path);
}

function readPids(directory: string | undefined): PidsStats | undefined {
  const current = directory === undefined ? undefined : readCgroupNumber(directory, "pids.current");
  if (directory === undefined || current === undefined) return undefined;
  return { current, limit: readCgroupNumber(directory, "pids.max") };
}

function readHugetlb(directory: CgroupDirectory | undefined): Record<string, HugetlbStats> {
  if (directory === undefined) return {};
  const suffix = directory.version === 1 ? "usage_in_bytes" : "current";
  const stats: Record<string, HugetlbStats> = {};
  for (const file of listFiles(directory.path)) {
    const size = new RegExp(`^hugetlb\\.([0-9]+[KMG]B)\\.${suffix}$`).exec(file)?.[1];
    const use = size === undefined ? undefined : readHugetlbUse(directory, `hugetlb.${size}`);
    if (size === undefined || use === undefined) continue;
    stats[size] = { ...use, reserved: readHugetlbUse(directory, `hugetlb.${size}.rsvd`) };
  }
  return stats;
}

function readHugetlbUse(directory: CgroupDirectory, prefix: string): Use | undefined {
  const { path, version } = directory;
  const [usageFile, limitFile] = version === 1 ? ["usage_in_bytes", "limit_in_bytes"] : ["current", "max"];
  const usage = readCgroupNumber(path, `${prefix}.${usageFile}`);
  if (usage === undefined) return undefined;
  const events = version === 1 ? undefined : readCgroupFile(path, `${prefix}.events`);
  return {
    usage,
    limit: readCgroupNumber(path, `${prefix}.${limitFile}`),
    peak: version === 1 ? readCgroupNumber(path, `${prefix}.max_usage_in_bytes`) : undefined,
    failures:
      version === 1
        ? (readCgroupNumber(path, `${prefix}.failcnt`) ?? 0n)
        : BigInt(/^max (\d+)$/m.exec(events ?? "")?.[1] ?? 0),
  };
}

function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function readRdma(directory: string | undefined): Record<string, RdmaStats> {
  if (directory === undefined) return {};
  const current = parseNestedKeyed(readCgroupFile(directory, "rdma.current") ?? "");
  const limits = parseNestedKeyed(readCgroupFile(directory, "rdma.max") ?? "");
  const stats: Record<string, RdmaStats> = {};
  for (const [device, use] of current) {
    const limit = limits.get(device);
    stats[device] = {
      hcaHandles: BigInt(use.hca_handle ?? 0),
      hcaObjects: BigInt(use.hca_object ?? 0),
      hcaHandlesLimit: limitOf(limit?.hca_handle),
      hcaObjectsLimit: limitOf(limit?.hca_object),
    };
  }
  return stats;
}

function limitOf(text: string | undefined): bigint | undefined {
  return text === undefined || text === "max" ? undefined : BigInt(text);
}
