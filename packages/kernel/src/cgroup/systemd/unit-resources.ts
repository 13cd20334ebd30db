import type { LinuxCPU, LinuxResources } from "@orlop/core";
import { type CgroupDirectory, directoryFor } from "../cgroup-plan.ts";
import { readCgroupFile } from "../read-cgroup-file.ts";
import { isSet } from "../resources/resource-context.ts";

/** What a cgroup has of CPU time now; a negative quota is none. */
interface Bandwidth {
  readonly quota?: bigint | undefined;
  readonly period?: bigint | undefined;
}

/** Kernel's default period, in microseconds. */
export const PERIOD_US = 100_000n;

/**
 * Limits as a unit can have them, for systemd and for the cgroup's files alike. systemd keeps a quota in whole per cent of a
 * CPU, to which it is rounded up, so that the files say before systemd's next reload what they will say after it. And it
 * keeps it apart from the period, while `linux.resources.cpu` may change either of them.
 *
 * @param directories those of a unit that is there: what `resources` leave as it is, they say
 */
export function unitResources(resources: LinuxResources, directories: readonly CgroupDirectory[] = []): LinuxResources {
  const { cpu, unified } = resources;
  const max = unified?.["cpu.max"];
  return {
    ...resources,
    ...(cpu === undefined ? {} : { cpu: unitCpu(cpu, directories) }),
    ...(max === undefined ? {} : { unified: { ...unified, "cpu.max": unitMax(max, directories) } }),
  };
}

function unitCpu(cpu: LinuxCPU, directories: readonly CgroupDirectory[]): LinuxCPU {
  if (!isSet(cpu.quota) && !isSet(cpu.period)) return cpu;
  const present = presentBandwidth(directories);
  const quota = isSet(cpu.quota) ? BigInt(cpu.quota) : present.quota;
  const period = isSet(cpu.period) ? BigInt(cpu.period) : present.period;
  return {
    ...cpu,
    ...(quota === undefined ? {} : { quota: roundedUp(quota, period) }),
    ...(period === undefined ? {} : { period }),
  };
}

/** What is no such value is left to who refuses it. */
function unitMax(max: string, directories: readonly CgroupDirectory[]): string {
  const [, wanted = "", ownPeriod] = /^\s*(\d+|max)(?:\s+(\d+))?\s*$/.exec(max) ?? [];
  if (wanted === "") return max;
  const period = ownPeriod === undefined ? presentBandwidth(directories).period : BigInt(ownPeriod);
  const quota = wanted === "max" ? wanted : `${roundedUp(BigInt(wanted), period)}`;
  return period === undefined ? quota : `${quota} ${period}`;
}

function roundedUp(quota: bigint, period: bigint = PERIOD_US): bigint {
  // No quota, or a period that nobody takes.
  if (quota < 0n || period <= 0n) return quota;
  const perCent = (quota * 100n + period - 1n) / period;
  return (perCent * period) / 100n;
}

function presentBandwidth(directories: readonly CgroupDirectory[]): Bandwidth {
  const directory = directoryFor(directories, "cpu");
  if (directory === undefined) return {};
  const read = (name: string): string | undefined => readCgroupFile(directory.path, name)?.trim();
  const [quota, period] =
    directory.version === 2 ? (read("cpu.max")?.split(" ") ?? []) : ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map(read);
  return {
    quota: quota === undefined ? undefined : quota === "max" ? -1n : BigInt(quota),
    period: period === undefined ? undefined : BigInt(period),
  };
}
