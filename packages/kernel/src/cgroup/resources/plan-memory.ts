import type { Int64, LinuxMemory } from "@orlop/core";
import type { CgroupOperation, CgroupTolerance } from "../cgroup-plan.ts";
import {
  bytesInWords,
  isSet,
  type ResourceContext,
  type ResourceTarget,
  refuse,
  resourceFieldName,
  resourceTarget,
  resourceWrite,
  retriedLater,
} from "./resource-context.ts";

/** Carries out `linux.resources.memory` (config-linux.md, "Memory"). */
export function planMemory(memory: LinuxMemory, context: ResourceContext): CgroupOperation[] {
  for (const field of ["limit", "reservation", "swap", "kernel", "kernelTCP"] as const) {
    const value = memory[field];
    if (value !== undefined && value < -1) {
      throw refuse("invalid", `memory.${field}`, value, "a limit is a number of bytes, or -1 for none");
    }
  }
  return [
    ...planLimits(memory, context),
    ...planReservation(memory, context),
    ...planKernelMemory(memory, context),
    ...planBehaviour(memory, context),
  ];
}

function planLimits(memory: LinuxMemory, context: ResourceContext): CgroupOperation[] {
  const { limit, swap } = memory;
  if (!isSet(limit) && !isSet(swap)) return [];
  if (isSet(limit) && isSet(swap) && swap !== -1 && swap < limit) {
    throw refuse("invalid", "memory.swap", swap, `it counts memory too and is below memory.limit, ${limit}`);
  }
  const field = isSet(limit) ? "memory.limit" : "memory.swap";
  const target = resourceTarget(context, "memory", field, limit ?? swap);
  return target.version === 1 ? planLimitsV1(memory, target, context) : planLimitsV2(memory, target, context);
}

/** Where no swap was asked for, a kernel that does not account swap has nothing to be told. */
const NO_SWAP_ACCOUNTING: CgroupTolerance = {
  errno: "ENOENT",
  because: "this kernel does not account swap, and no limit of it was asked for",
};

function planLimitsV1(memory: LinuxMemory, target: ResourceTarget, context: ResourceContext): CgroupOperation[] {
  const { limit, swap } = memory;
  // An unlimited memory with an old limit of memory and swap together would still be limited.
  const implied = limit === -1 && !isSet(swap);
  const limitReason = `Limits memory to ${inWords(limit)}; at the limit the kernel reclaims, then kills`;
  const writeLimit = (retried: boolean) =>
    resourceWrite(target, "memory.limit", "memory.limit_in_bytes", `${limit}`, limitReason, {
      tolerate: retried ? retriedLater("limit of memory and swap") : [],
    });
  const writeSwap = () =>
    resourceWrite(
      target,
      implied ? "memory.limit" : "memory.swap",
      "memory.memsw.limit_in_bytes",
      implied ? "-1" : `${swap}`,
      `Limits memory and swap together to ${inWords(implied ? -1 : swap)}`,
      { tolerate: implied ? [NO_SWAP_ACCOUNTING] : [] },
    );
  if (!isSet(limit)) return [writeSwap()];
  if (!isSet(swap) && !implied) return [writeLimit(false)];
  // The kernel keeps limit <= memsw.limit at every moment, so the order depends on the old values.
  if (context.purpose === "create") return [writeLimit(false), writeSwap()];
  return [writeLimit(true), writeSwap(), writeLimit(false)];
}

function planLimitsV2(memory: LinuxMemory, target: ResourceTarget, context: ResourceContext): CgroupOperation[] {
  const { limit, swap } = memory;
  const operations: CgroupOperation[] = [];
  if (memory.checkBeforeUpdate && context.purpose === "update") operations.push(checkUse(memory, target));
  const swapOnly = swapWithoutMemory(memory);
  if (swapOnly !== undefined) {
    // A kernel without swap accounting offers no swap file; "none" and "any" need no enforcement there.
    const tolerate = swapOnly > 0 ? [] : [{ ...NO_SWAP_ACCOUNTING, because: "this kernel does not account swap" }];
    const reason = `Limits swap to ${inWords(swapOnly)}`;
    const field = isSet(swap) ? "memory.swap" : "memory.limit";
    operations.push(resourceWrite(target, field, "memory.swap.max", maxOr(swapOnly), reason, { tolerate }));
  }
  if (isSet(limit)) {
    const reason = `Limits memory to ${inWords(limit)}; at the limit the kernel reclaims, then kills`;
    operations.push(resourceWrite(target, "memory.limit", "memory.max", maxOr(limit), reason));
  }
  return operations;
}

/** Version 2 counts swap alone, the spec counts it with memory. -1: no limit; undefined: nothing to write. */
function swapWithoutMemory(memory: LinuxMemory): bigint | undefined {
  const { limit, swap } = memory;
  if (!isSet(swap)) return limit === -1 ? -1n : undefined;
  if (swap === -1) return -1n;
  if (limit === -1) return BigInt(swap);
  if (!isSet(limit)) {
    throw refuse(
      "invalid",
      "memory.swap",
      swap,
      "it counts memory and swap together; version 2 needs memory.limit to tell them apart",
    );
  }
  return BigInt(swap) - BigInt(limit);
}

function checkUse(memory: LinuxMemory, target: ResourceTarget): CgroupOperation {
  return {
    kind: "check-memory",
    stage: "leaf",
    directory: target.directory.path,
    limitBytes: isSet(memory.limit) && memory.limit > 0 ? BigInt(memory.limit) : undefined,
    memoryAndSwapBytes: isSet(memory.swap) && memory.swap > 0 ? BigInt(memory.swap) : undefined,
    reason: "Refuses a limit below the present use, for which version 2 would kill",
    field: resourceFieldName("memory.checkBeforeUpdate"),
    tolerate: [],
  };
}

function planReservation(memory: LinuxMemory, context: ResourceContext): CgroupOperation[] {
  const { reservation } = memory;
  if (!isSet(reservation)) return [];
  const target = resourceTarget(context, "memory", "memory.reservation", reservation);
  if (target.version === 2) {
    const reason = `Protects ${inWords(reservation)} from reclaim while others have more`;
    return [resourceWrite(target, "memory.reservation", "memory.low", maxOr(reservation), reason)];
  }
  const reason = `Reclaims down to ${inWords(reservation)} first when the machine runs short`;
  return [resourceWrite(target, "memory.reservation", "memory.soft_limit_in_bytes", `${reservation}`, reason)];
}

const KERNEL_MEMORY_GONE: readonly CgroupTolerance[] = [
  { errno: "ENOENT", because: "the kernel has no limit for kernel memory alone any more; memory.limit covers it" },
  { errno: "EOPNOTSUPP", because: "the kernel dropped this limit in 5.16; memory.limit covers kernel memory" },
];

function planKernelMemory(memory: LinuxMemory, context: ResourceContext): CgroupOperation[] {
  const operations: CgroupOperation[] = [];
  // -1 asks for no limit, which every version gives without being told.
  if (isSet(memory.kernel) && memory.kernel !== -1) {
    const target = resourceTarget(context, "memory", "memory.kernel", memory.kernel);
    const reason = `Limits kernel memory to ${inWords(memory.kernel)}`;
    operations.push(
      resourceWrite(target, "memory.kernel", "memory.kmem.limit_in_bytes", `${memory.kernel}`, reason, {
        tolerate: KERNEL_MEMORY_GONE,
      }),
    );
  }
  if (isSet(memory.kernelTCP) && memory.kernelTCP !== -1) {
    const target = resourceTarget(context, "memory", "memory.kernelTCP", memory.kernelTCP);
    const reason = `Limits TCP buffers to ${inWords(memory.kernelTCP)}`;
    operations.push(
      resourceWrite(target, "memory.kernelTCP", "memory.kmem.tcp.limit_in_bytes", `${memory.kernelTCP}`, reason),
    );
  }
  return operations;
}

function planBehaviour(memory: LinuxMemory, context: ResourceContext): CgroupOperation[] {
  const operations: CgroupOperation[] = [];
  const { swappiness, disableOOMKiller, useHierarchy } = memory;
  if (useHierarchy !== undefined) operations.push(...planHierarchy(useHierarchy, context));
  if (disableOOMKiller) {
    const target = resourceTarget(context, "memory", "memory.disableOOMKiller", true);
    const reason = "Lets processes wait at the memory limit instead of killing one";
    operations.push(resourceWrite(target, "memory.disableOOMKiller", "memory.oom_control", "1", reason));
  } else if (disableOOMKiller === false && context.purpose === "update") {
    operations.push(...switchOomKillerOn(context));
  }
  if (swappiness !== undefined) {
    const target = resourceTarget(context, "memory", "memory.swappiness", swappiness);
    if (swappiness < 0 || swappiness > 100) {
      throw refuse("invalid", "memory.swappiness", swappiness, "it lies between 0 and 100");
    }
    const reason = "Sets how readily the kernel swaps instead of dropping caches, 0 to 100";
    operations.push(resourceWrite(target, "memory.swappiness", "memory.swappiness", `${swappiness}`, reason));
  }
  return operations;
}

/** Version 2 has no switch: there the OOM killer is on. */
function switchOomKillerOn(context: ResourceContext): CgroupOperation[] {
  const target = context.directories.find(
    (directory) => directory.version === 1 && directory.controllers.includes("memory"),
  );
  if (target === undefined) return [];
  const reason = "Lets the kernel kill a process at the memory limit again";
  return [
    resourceWrite({ version: 1, directory: target }, "memory.disableOOMKiller", "memory.oom_control", "0", reason),
  ];
}

function planHierarchy(useHierarchy: boolean, context: ResourceContext): CgroupOperation[] {
  const directory = context.directories.find(
    (candidate) => candidate.version === 2 && candidate.controllers.includes("memory"),
  );
  // What version 2 always does needs no writing.
  if (useHierarchy && directory !== undefined) return [];
  const target = resourceTarget(context, "memory", "memory.useHierarchy", useHierarchy);
  const reason = useHierarchy
    ? "Counts the use of child cgroups here too"
    : "Counts the use of child cgroups in them only";
  return [resourceWrite(target, "memory.useHierarchy", "memory.use_hierarchy", useHierarchy ? "1" : "0", reason)];
}

function maxOr(value: Int64): string {
  return value < 0 ? "max" : `${value}`;
}

function inWords(value: Int64 | undefined): string {
  return value === undefined || value < 0 ? "no limit" : bytesInWords(value);
}
