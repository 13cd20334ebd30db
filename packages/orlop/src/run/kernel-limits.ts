import { existsSync } from "node:fs";
import { join } from "node:path";
import { type LinuxBlockIO, OrlopError } from "@orlop/core";
import { type CgroupLayout, hierarchyOf, readCgroupLayout } from "@orlop/kernel";
import type { ResourceLimits } from "./resource-limits.ts";

interface KernelLimits {
  readonly limits: ResourceLimits;
  /** In docker's words, of those that were left out. */
  readonly warnings: readonly string[];
}

/**
 * Limits without those that this kernel does not have, which docker leaves out and says so.
 *
 * @throws OrlopError `unsupported` for real-time scheduling where there is none
 */
export function kernelLimits(limits: ResourceLimits): KernelLimits {
  const { swappiness, disableOOMKiller, kernel } = limits.memory ?? {};
  const isPlain =
    limits.blockIO === undefined &&
    [swappiness, disableOOMKiller, kernel, limits.cpu?.realtimePeriod, limits.cpu?.realtimeRuntime].every(
      (each) => each === undefined,
    );
  // Most containers have none of these, and then nothing has to be looked up.
  if (isPlain) return { limits, warnings: [] };
  const layout = readCgroupLayout();
  refuseRealtime(limits, layout);
  const warnings: string[] = [];
  const memory = keptMemory(limits.memory ?? {}, layout, warnings);
  const blockIO = keptBlockIO(limits.blockIO ?? {}, layout, warnings);
  const { memory: _memory, blockIO: _blockIO, ...others } = limits;
  return {
    limits: {
      ...others,
      ...(Object.keys(memory).length === 0 ? {} : { memory }),
      ...(Object.keys(blockIO).length === 0 ? {} : { blockIO }),
    },
    warnings,
  };
}

const WHERE = "or the cgroup is not mounted";

function keptMemory(
  { swappiness, disableOOMKiller, kernel, ...others }: NonNullable<ResourceLimits["memory"]>,
  layout: CgroupLayout,
  warnings: string[],
): NonNullable<ResourceLimits["memory"]> {
  const swappable = hasFile(layout, "memory", "memory.swappiness");
  const killable = hasFile(layout, "memory", "memory.oom_control");
  if (kernel !== undefined) {
    // Neither version 2 nor any kernel from 5.16 on counts it apart, and writing the file there fails.
    warnings.push(`Your kernel does not support kernel memory limit capabilities ${WHERE}. Limitation discarded.`);
  }
  if (swappiness !== undefined && !swappable) {
    const what = "Your kernel does not support memory swappiness capabilities";
    warnings.push(`${what} ${WHERE}. Memory swappiness discarded.`);
  }
  if (disableOOMKiller === true && !killable) {
    warnings.push("Your kernel does not support OomKillDisable. OomKillDisable discarded.");
  }
  const disables = killable && disableOOMKiller === true;
  if (disables && others.limit === undefined) {
    const what = "OOM killer is disabled for the container, but no memory limit is set";
    warnings.push(`${what}, this can result in the system running out of resources.`);
  }
  return {
    ...others,
    ...(swappiness === undefined || !swappable ? {} : { swappiness }),
    ...(disableOOMKiller === undefined || !killable ? {} : { disableOOMKiller }),
  };
}

/** What docker says of each list of limits that the kernel does not have. */
const BLOCK_WORDS = {
  weight: [`Block I/O weight ${WHERE}`, "Weight"],
  weightDevice: [`Block I/O weight_device ${WHERE}`, "Weight-device"],
  throttleReadBpsDevice: [`BPS Block I/O read limit ${WHERE}`, "Block I/O BPS read limit"],
  throttleWriteBpsDevice: [`BPS Block I/O write limit ${WHERE}`, "Block I/O BPS write limit"],
  throttleReadIOPSDevice: [`IOPS Block read limit ${WHERE}`, "Block I/O IOPS read limit"],
  throttleWriteIOPSDevice: [`IOPS Block write limit ${WHERE}`, "Block I/O IOPS write limit"],
} as const satisfies Partial<Record<keyof LinuxBlockIO, readonly [what: string, discarded: string]>>;

function keptBlockIO(asked: LinuxBlockIO, layout: CgroupLayout, warnings: string[]): LinuxBlockIO {
  const hierarchy = hierarchyOf(layout, "blkio");
  const isThrottling =
    hierarchy?.version === 2 ||
    (hierarchy !== undefined && existsSync(join(hierarchy.mountPoint, "blkio.throttle.read_bps_device")));
  const isWeighing = hierarchy !== undefined && weighs(hierarchy.version, hierarchy.mountPoint);
  const kept = Object.entries(asked).filter(([list]) => {
    if (!Object.hasOwn(BLOCK_WORDS, list)) return true;
    if (list.startsWith("weight") ? isWeighing : isThrottling) return true;
    const [what, discarded] = BLOCK_WORDS[list as keyof typeof BLOCK_WORDS];
    warnings.push(`Your kernel does not support ${what}. ${discarded} discarded.`);
    return false;
  });
  return Object.fromEntries(kept);
}

/** The root cgroup has no weight itself: what a scheduler counts there, or is told there, gives away that it weighs. */
function weighs(version: 1 | 2, mountPoint: string): boolean {
  const signs =
    version === 1
      ? ["blkio.weight", "blkio.bfq.weight", "blkio.bfq.io_serviced"]
      : ["io.cost.qos", "io.weight", "io.bfq.weight"];
  return signs.some((file) => existsSync(join(mountPoint, file))) || (version === 2 && existsSync("/sys/module/bfq"));
}

function hasFile(layout: CgroupLayout, controller: string, file: string): boolean {
  const hierarchy = hierarchyOf(layout, controller);
  return hierarchy?.version === 1 && existsSync(join(hierarchy.mountPoint, file));
}

function refuseRealtime({ cpu = {} }: ResourceLimits, layout: CgroupLayout): void {
  if (cpu.realtimePeriod === undefined && cpu.realtimeRuntime === undefined) return;
  if (hasFile(layout, "cpu", "cpu.rt_runtime_us")) return;
  throw new OrlopError("unsupported", "Your kernel does not support CPU real-time scheduler");
}
