import { type LinuxCPU, type LinuxResources, OrlopError } from "@orlop/core";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { readBlockLimits } from "./block-limits.ts";
import { parseByteSize } from "./byte-size.ts";
import { cpuBandwidth } from "./cpu-bandwidth.ts";

/** Limits that a container is given; absent is unlimited. */
export type ResourceLimits = Pick<LinuxResources, "memory" | "cpu" | "pids" | "blockIO" | "unified">;

/** What docker has the kernel guarantee: below, nothing starts. */
export const MEMORY_MIN_BYTES: number = 6 * 1024 * 1024;
const CPU_PERIOD_MIN = 1000;
const CPU_PERIOD_MAX = 1_000_000;
const CPU_QUOTA_MIN = 1000;
const CPU_SHARES_MIN = 2;
const CPU_SHARES_MAX = 262_144;

/**
 * Reads `--memory`, `--cpus` and so on.
 *
 * @param machine asked for its CPUs where a flag is about them
 * @param known limits that hold already, and stay unless others are given
 * @throws OrlopError `invalid`
 */
export function readResourceLimits(
  flags: ParsedFlags,
  machine: Processors,
  known: ResourceLimits = {},
): ResourceLimits {
  const memory = readMemory(flags, known.memory ?? {});
  const cpu = readCpu(flags, machine);
  const pids = flags.parse("pids-limit", parseInteger);
  const blockIO = readBlockLimits(flags).limits;
  return {
    ...(Object.keys(memory).length === 0 ? {} : { memory }),
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    ...(Object.keys(blockIO).length === 0 ? {} : { blockIO }),
    // 0 is docker's way to say "no limit"; for the kernel it is one.
    ...(pids === undefined ? {} : { pids: { limit: pids <= 0 ? -1 : pids } }),
  };
}

interface Processors {
  readonly cpuCount: number;
}

type MemoryLimits = NonNullable<ResourceLimits["memory"]>;

function readMemory(flags: ParsedFlags, known: MemoryLimits): MemoryLimits {
  const given = flags.parse("memory", parseByteSize);
  const limit = given ?? (known.limit === undefined ? undefined : Number(known.limit));
  const reservation = flags.parse("memory-reservation", parseByteSize);
  const swap = flags.parse("memory-swap", (text) => (text === "-1" ? -1 : parseByteSize(text)));
  if (given !== undefined && given !== 0 && given < MEMORY_MIN_BYTES) {
    throw invalid("memory", "Minimum memory limit allowed is 6MB");
  }
  if (swap !== undefined && swap !== 0 && !limit) {
    throw invalid("memory-swap", "You should always set the Memory limit when using Memoryswap limit");
  }
  if (swap !== undefined && swap > 0 && limit !== undefined && swap < limit) {
    throw invalid("memory-swap", "Minimum memoryswap limit should be larger than memory limit, see usage");
  }
  const knownSwap = Number(known.swap ?? -1);
  if (given && swap === undefined && knownSwap > 0 && given > knownSwap) {
    const way = "update the memoryswap at the same time";
    throw invalid("memory", `Memory limit should be smaller than already set memoryswap limit, ${way}`);
  }
  if (reservation !== undefined && limit && reservation > limit) {
    throw invalid(
      "memory-reservation",
      "Minimum memory limit can not be less than memory reservation limit, see usage",
    );
  }
  const kernel = flags.parse("kernel-memory", parseByteSize);
  // 0 is docker's way to say "no limit".
  return {
    ...readReclaim(flags),
    ...(kernel ? { kernel } : {}),
    ...(given ? { limit: given } : {}),
    ...(reservation ? { reservation } : {}),
    ...(swap ? { swap } : {}),
  };
}

const SWAPPINESS_MAX = 100;

/** How memory is taken back, and what becomes of who cannot have more. */
function readReclaim(flags: ParsedFlags): Pick<MemoryLimits, "swappiness" | "disableOOMKiller"> {
  const swappiness = flags.parse("memory-swappiness", parseInteger);
  // -1 is docker's way to say "as it is".
  if (swappiness !== undefined && (swappiness < -1 || swappiness > SWAPPINESS_MAX)) {
    throw invalid("memory-swappiness", `Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
  return {
    ...(swappiness === undefined || swappiness === -1 ? {} : { swappiness }),
    ...(flags.has("oom-kill-disable") ? { disableOOMKiller: flags.isOn("oom-kill-disable") } : {}),
  };
}

function readCpu(flags: ParsedFlags, machine: Processors): NonNullable<ResourceLimits["cpu"]> {
  const shares = flags.parse("cpu-shares", parseInteger);
  const cpus = flags.parse("cpuset-cpus", parseCpuList);
  const mems = flags.parse("cpuset-mems", parseCpuList);
  if (shares !== undefined && shares !== 0 && (shares < CPU_SHARES_MIN || shares > CPU_SHARES_MAX)) {
    throw invalid("cpu-shares", `shares are from ${CPU_SHARES_MIN} to ${CPU_SHARES_MAX}`);
  }
  return {
    ...(shares ? { shares } : {}),
    ...readBandwidth(flags, machine),
    ...readRealtime(flags),
    ...(cpus === undefined ? {} : { cpus }),
    ...(mems === undefined ? {} : { mems }),
  };
}

function readBandwidth(flags: ParsedFlags, machine: Processors): { readonly period?: number; readonly quota?: number } {
  const cpus = flags.parse("cpus", (text) => parseCpus(text, machine.cpuCount));
  const period = flags.parse("cpu-period", parseInteger);
  const quota = flags.parse("cpu-quota", parseInteger);
  if (cpus !== undefined && cpus > 0) {
    if (period) throw invalid("cpus", "Conflicting options: Nano CPUs and CPU Period cannot both be set");
    if (quota) throw invalid("cpus", "Conflicting options: Nano CPUs and CPU Quota cannot both be set");
    return cpuBandwidth(cpus);
  }
  if (period && (period < CPU_PERIOD_MIN || period > CPU_PERIOD_MAX)) {
    throw invalid("cpu-period", "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  }
  if (quota && quota > 0 && quota < CPU_QUOTA_MIN) {
    throw invalid("cpu-quota", "CPU cfs quota can not be less than 1ms (i.e. 1000)");
  }
  return { ...(period ? { period } : {}), ...(quota ? { quota } : {}) };
}

function readRealtime(flags: ParsedFlags): Pick<LinuxCPU, "realtimePeriod" | "realtimeRuntime"> {
  const period = flags.parse("cpu-rt-period", parseInteger);
  const runtime = flags.parse("cpu-rt-runtime", parseInteger);
  for (const [flag, value = 0] of [
    ["cpu-rt-period", period],
    ["cpu-rt-runtime", runtime],
  ] as const) {
    if (value < 0) throw invalid(flag, `--${flag}: it is a number of microseconds`);
  }
  if (period && runtime && runtime > period) {
    throw invalid("cpu-rt-runtime", "cpu real-time runtime cannot be higher than cpu real-time period");
  }
  return { ...(period ? { realtimePeriod: period } : {}), ...(runtime ? { realtimeRuntime: runtime } : {}) };
}

function parseCpus(text: string, cpuCount: number): number {
  if (!/^(\d+(\.\d{0,9})?|\.\d{1,9})$/.test(text)) throw new OrlopError("invalid", "it is a number such as 0.5 or 2");
  const cpus = Number(text);
  if (cpus === 0 || (cpus >= 0.01 && cpus <= cpuCount)) return cpus;
  throw new OrlopError(
    "invalid",
    `Range of CPUs is from 0.01 to ${cpuCount}.00, as there are only ${cpuCount} CPUs available`,
  );
}

function parseCpuList(text: string): string {
  if (/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(text)) return text;
  throw new OrlopError("invalid", "it is a list such as 0-3,7");
}

export function parseInteger(text: string): number {
  const number = Number(text);
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(number)) return number;
  throw new OrlopError("invalid", "it is a whole number");
}

function invalid(flag: string, message: string): OrlopError {
  return new OrlopError("invalid", message, { field: flag });
}
