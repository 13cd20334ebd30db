import type { LinuxResources } from "@orlop/core";
import type { AttachDeviceFilter, CgroupDirectory } from "./cgroup-plan.ts";
import { executeCgroupOperations } from "./execute-operations.ts";
import { planUpdate } from "./plan-update.ts";
import { readCgroupFile } from "./read-cgroup-file.ts";

interface ApplyResourcesOptions {
  readonly rootless: boolean;
  /** Loads and attaches a device filter; Node cannot call bpf(2). */
  readonly attachDeviceFilter: (operation: AttachDeviceFilter) => Promise<void>;
}

/**
 * Changes the limits of a container that runs; fields that are absent stay as they are. Rejects like `planUpdate`
 * before anything is written, and like `executeCgroupOperations` when the kernel refuses: fields before the one
 * in the error are changed then, those after it are not.
 */
export async function applyResources(
  directories: readonly CgroupDirectory[],
  resources: LinuxResources,
  options: ApplyResourcesOptions,
): Promise<void> {
  const { rootless, attachDeviceFilter } = options;
  for (const operation of planUpdate(directories, resources, { rootless, readCurrent: readCgroupFile })) {
    if (operation.kind === "attach-device-filter") await attachDeviceFilter(operation);
    else executeCgroupOperations([operation]);
  }
}
