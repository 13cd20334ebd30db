import type { LinuxCPU } from "@orlop/core";
import type { WriteCgroupFile } from "../cgroup-plan.ts";
import { type ResourceContext, refuse, resourceTarget, resourceWrite } from "./resource-context.ts";

/** The kernel's list format, cpuset(7): `0-3,7`, also with a stride, `0-30:2/8`. */
const LIST = /^\s*\d+(-\d+(:\d+\/\d+)?)?(\s*,\s*\d+(-\d+(:\d+\/\d+)?)?)*\s*$/;

/** Carries out `linux.resources.cpu.cpus` and `.mems` (config-linux.md, "CPU"). */
export function planCpuset(cpu: LinuxCPU, context: ResourceContext): WriteCgroupFile[] {
  return [
    ...planList("cpus", cpu.cpus, "Runs on these CPUs only", context),
    ...planList("mems", cpu.mems, "Takes memory from these nodes only", context),
  ];
}

function planList(
  kind: "cpus" | "mems",
  list: string | undefined,
  reason: string,
  context: ResourceContext,
): WriteCgroupFile[] {
  if (list === undefined || list === "") return [];
  const field = `cpu.${kind}` as const;
  const target = resourceTarget(context, "cpuset", field, list);
  if (!LIST.test(list)) throw refuse("invalid", field, list, 'it is a list of numbers and ranges, such as "0-3,7"');
  const file = target.directory.noPrefix ? kind : `cpuset.${kind}`;
  return [resourceWrite(target, field, file, list, reason)];
}
