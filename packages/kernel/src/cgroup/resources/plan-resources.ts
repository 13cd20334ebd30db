import type { LinuxResources } from "@orlop/core";
import type { CgroupOperation } from "../cgroup-plan.ts";
import { planBlockIO } from "./plan-block-io.ts";
import { planCpu } from "./plan-cpu.ts";
import { planCpuset } from "./plan-cpuset.ts";
import { planDevices } from "./plan-devices.ts";
import { planHugetlb } from "./plan-hugetlb.ts";
import { planMemory } from "./plan-memory.ts";
import { planNetwork } from "./plan-network.ts";
import { planPids } from "./plan-pids.ts";
import { planRdma } from "./plan-rdma.ts";
import { planUnified } from "./plan-unified.ts";
import type { ResourceContext } from "./resource-context.ts";

/**
 * Every write that `linux.resources` asks for, in an order that the kernel accepts. `devices` is left out when
 * `withDevices` is false.
 *
 * cpuset comes first, because version 1 takes no process into a cpuset without CPUs and nodes; `unified` comes
 * last, because it wins over the other fields.
 */
export function planResources(
  resources: LinuxResources,
  context: ResourceContext,
  withDevices: boolean,
): CgroupOperation[] {
  const { cpu, memory, pids, blockIO, hugepageLimits, network, rdma, unified, devices } = resources;
  return [
    ...(cpu === undefined ? [] : planCpuset(cpu, context)),
    ...(withDevices ? planDevices(devices ?? [], context) : []),
    ...(memory === undefined ? [] : planMemory(memory, context)),
    ...(cpu === undefined ? [] : planCpu(cpu, context)),
    ...(pids === undefined ? [] : planPids(pids, context)),
    ...(blockIO === undefined ? [] : planBlockIO(blockIO, context)),
    ...(hugepageLimits === undefined ? [] : planHugetlb(hugepageLimits, context)),
    ...(network === undefined ? [] : planNetwork(network, context)),
    ...(rdma === undefined ? [] : planRdma(rdma, context)),
    ...(unified === undefined ? [] : planUnified(unified, context)),
  ];
}
