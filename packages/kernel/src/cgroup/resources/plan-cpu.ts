import type { LinuxCPU } from "@orlop/core";
import type { WriteCgroupFile } from "../cgroup-plan.ts";
import {
  isSet,
  type ResourceContext,
  type ResourceTarget,
  refuse,
  resourceTarget,
  resourceWrite,
  retriedLater,
} from "./resource-context.ts";
import { cpuWeightOfShares, type ResourceField } from "./resource-conversions.ts";

const SHARES_MIN = 2;
const SHARES_MAX = 262_144;

/** Carries out `linux.resources.cpu` but for `cpus` and `mems` (config-linux.md, "CPU"). */
export function planCpu(cpu: LinuxCPU, context: ResourceContext): WriteCgroupFile[] {
  check(cpu);
  const target = firstTarget(cpu, context);
  if (target === undefined) return [];
  const bandwidth =
    target.version === 1 ? planBandwidthV1(cpu, target, context) : planBandwidthV2(cpu, target, context);
  // A cgroup that is idle refuses a weight, so 0 comes before the weight and 1 after it.
  return [
    ...(cpu.idle === 0 || cpu.idle === 0n ? planIdle(cpu, target, context) : []),
    ...planShares(cpu, target, context),
    ...bandwidth,
    ...planRealtime(cpu, context),
    ...(isSet(cpu.idle) ? planIdle(cpu, target, context) : []),
  ];
}

function check(cpu: LinuxCPU): void {
  const { quota, burst, idle } = cpu;
  if (isSet(quota) && quota > 0 && burst !== undefined && burst > quota) {
    throw refuse("invalid", "cpu.burst", burst, `it is larger than cpu.quota, ${quota}`);
  }
  if (idle !== undefined && idle !== 0 && idle !== 0n && idle !== 1 && idle !== 1n) {
    throw refuse("invalid", "cpu.idle", idle, "it is 0 or 1");
  }
}

/** The cgroup of the cpu controller, if a field asks for it; refuses by the first that does. */
function firstTarget(cpu: LinuxCPU, context: ResourceContext): ResourceTarget | undefined {
  const asked: readonly [ResourceField, unknown, boolean][] = [
    ["cpu.shares", cpu.shares, isSet(cpu.shares)],
    ["cpu.quota", cpu.quota, isSet(cpu.quota)],
    ["cpu.period", cpu.period, isSet(cpu.period)],
    ["cpu.burst", cpu.burst, cpu.burst !== undefined],
    ["cpu.realtimeRuntime", cpu.realtimeRuntime, isSet(cpu.realtimeRuntime)],
    ["cpu.realtimePeriod", cpu.realtimePeriod, isSet(cpu.realtimePeriod)],
    ["cpu.idle", cpu.idle, cpu.idle !== undefined],
  ];
  const targets = asked
    .filter(([, , set]) => set)
    .map(([field, value]) => resourceTarget(context, "cpu", field, value));
  return targets[0];
}

function planShares(cpu: LinuxCPU, target: ResourceTarget, context: ResourceContext): WriteCgroupFile[] {
  const { shares } = cpu;
  if (!isSet(shares)) return [];
  // While the cgroup is idle its weight is the scheduler's lowest whatever shares say.
  const tolerate =
    context.purpose === "update" && isSet(cpu.idle)
      ? [{ errno: "EINVAL", because: "the cgroup is idle already, and idle cgroups have no weight" }]
      : [];
  const reason = `Gives ${shares} shares of the CPU against the siblings' (1024 is usual)`;
  if (target.version === 2) {
    return [resourceWrite(target, "cpu.shares", "cpu.weight", `${cpuWeightOfShares(shares)}`, reason, { tolerate })];
  }
  if (shares < SHARES_MIN || shares > SHARES_MAX) {
    // The kernel would round silently; runc reads back and refuses as well.
    throw refuse("invalid", "cpu.shares", shares, `it lies between ${SHARES_MIN} and ${SHARES_MAX}`);
  }
  return [resourceWrite(target, "cpu.shares", "cpu.shares", `${shares}`, reason, { tolerate })];
}

function planBandwidthV1(cpu: LinuxCPU, target: ResourceTarget, context: ResourceContext): WriteCgroupFile[] {
  const { quota, period, burst } = cpu;
  const writePeriod = (retried: boolean) =>
    resourceWrite(target, "cpu.period", "cpu.cfs_period_us", `${period}`, "Sets the period in which the quota counts", {
      tolerate: retried ? retriedLater("quota") : [],
    });
  const writeBurst = (retried: boolean) =>
    resourceWrite(target, "cpu.burst", "cpu.cfs_burst_us", `${burst}`, burstReason(burst), {
      tolerate: retried ? retriedLater("quota") : [],
    });
  // On an update the new period or burst may not fit the old quota: tried before it and again after it.
  const both = context.purpose === "update" && isSet(quota);
  return [
    ...(isSet(period) ? [writePeriod(both)] : []),
    ...(burst !== undefined && both ? [writeBurst(true)] : []),
    ...(isSet(quota) ? [resourceWrite(target, "cpu.quota", "cpu.cfs_quota_us", `${quota}`, quotaReason(cpu))] : []),
    ...(isSet(period) && both ? [writePeriod(false)] : []),
    ...(burst !== undefined ? [writeBurst(false)] : []),
  ];
}

function planBandwidthV2(cpu: LinuxCPU, target: ResourceTarget, context: ResourceContext): WriteCgroupFile[] {
  const { burst } = cpu;
  const both = context.purpose === "update" && isSet(cpu.quota);
  const writeBurst = (retried: boolean) =>
    resourceWrite(target, "cpu.burst", "cpu.max.burst", `${burst}`, burstReason(burst), {
      tolerate: retried ? retriedLater("quota") : [],
    });
  const max = cpuMax(cpu, target, context);
  const field = isSet(cpu.quota) ? "cpu.quota" : "cpu.period";
  return [
    ...(burst !== undefined && both ? [writeBurst(true)] : []),
    ...(max === undefined ? [] : [resourceWrite(target, field, "cpu.max", max, quotaReason(cpu))]),
    ...(burst !== undefined ? [writeBurst(false)] : []),
  ];
}

/**
 * cpu.max holds the quota and the period; a value without a period leaves the period as it is. A period alone
 * needs the quota beside it: on an update that is the present one, which "max" would take away.
 */
function cpuMax(cpu: LinuxCPU, target: ResourceTarget, context: ResourceContext): string | undefined {
  const { quota, period } = cpu;
  const wanted = isSet(quota) ? (quota < 0 ? "max" : `${quota}`) : undefined;
  if (!isSet(period)) return wanted;
  const present =
    context.purpose === "update" ? context.readCurrent(target.directory.path, "cpu.max")?.split(" ")[0] : undefined;
  return `${wanted ?? present ?? "max"} ${period}`;
}

function planRealtime(cpu: LinuxCPU, context: ResourceContext): WriteCgroupFile[] {
  const { realtimePeriod, realtimeRuntime } = cpu;
  if (!isSet(realtimePeriod) && !isSet(realtimeRuntime)) return [];
  const field = isSet(realtimePeriod) ? "cpu.realtimePeriod" : "cpu.realtimeRuntime";
  const target = resourceTarget(context, "cpu", field, realtimePeriod ?? realtimeRuntime);
  const writePeriod = (retried: boolean) =>
    resourceWrite(
      target,
      "cpu.realtimePeriod",
      "cpu.rt_period_us",
      `${realtimePeriod}`,
      "Sets the period in which the realtime budget counts",
      { tolerate: retried ? retriedLater("budget") : [] },
    );
  const both = context.purpose === "update" && isSet(realtimeRuntime) && isSet(realtimePeriod);
  const budget = `Lets realtime processes run ${realtimeRuntime} us of each period`;
  return [
    ...(isSet(realtimePeriod) ? [writePeriod(both)] : []),
    ...(isSet(realtimeRuntime)
      ? [resourceWrite(target, "cpu.realtimeRuntime", "cpu.rt_runtime_us", `${realtimeRuntime}`, budget)]
      : []),
    ...(both ? [writePeriod(false)] : []),
  ];
}

function planIdle(cpu: LinuxCPU, target: ResourceTarget, context: ResourceContext): WriteCgroupFile[] {
  // A new cgroup is not idle, and kernels before 5.15 have no file to say so.
  if (!isSet(cpu.idle) && context.purpose === "create") return [];
  const reason = isSet(cpu.idle) ? "Runs only when nothing else wants the CPU" : "Competes for the CPU as usual";
  return [resourceWrite(target, "cpu.idle", "cpu.idle", `${cpu.idle}`, reason)];
}

function quotaReason(cpu: LinuxCPU): string {
  const { quota, period } = cpu;
  if (!isSet(quota)) return `Counts CPU time in periods of ${period} us`;
  if (quota < 0) return "Takes away the limit of CPU time";
  const each = isSet(period) ? `${period} us` : "period";
  return `Limits CPU time to ${quota} us in each ${each}`;
}

function burstReason(burst: number | bigint | undefined): string {
  return `Lets up to ${burst} us of unused CPU time be used later`;
}
