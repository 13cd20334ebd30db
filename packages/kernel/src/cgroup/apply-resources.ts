import type { LinuxResources } from "@orlop/core";
import type { CgroupDirectory } from "./cgroup-plan.ts";
import { type ExecuteOptions, executeCgroupOperations } from "./execute-operations.ts";
import { planUpdate } from "./plan-update.ts";
import { readCgroupFile } from "./read-cgroup-file.ts";

interface ApplyResourcesOptions extends ExecuteOptions {
  readonly rootless: boolean;
}

/**
 * Changes the limits of a container that runs; fields that are absent stay as they are. Throws like `planUpdate`
 * before anything is written, and like `executeCgroupOperations` when the kernel refuses: fields before the one
 * in the error are changed then, those after it are not.
 */
export function applyResources(
  directories: readonly CgroupDirectory[],
  resources: LinuxResources,
  options: ApplyResourcesOptions,
): void {
  const operations = planUpdate(directories, resources, { rootless: options.rootless, readCurrent: readCgroupFile });
  executeCgroupOperations(operations, options);
}
