import type { LinuxResources } from "@orlop/core";
import { applyResources, type CgroupDirectory } from "@orlop/kernel";
import type { HookRunner } from "./container-hooks.ts";
import { compileReplaceDeviceFilter } from "./device-filter.ts";
import { FollowedProgram } from "./followed-program.ts";

/** Changes the limits of a container that runs; see `applyResources`. Filters for devices go by way of a zygote. */
export function updateCgroups(
  { zygote, host }: HookRunner,
  directories: readonly CgroupDirectory[],
  resources: LinuxResources,
): Promise<void> {
  return applyResources(directories, resources, {
    rootless: host.rootless,
    attachDeviceFilter(operation) {
      const program = compileReplaceDeviceFilter(host.architecture, operation);
      const followed = new FollowedProgram(program);
      zygote.submit(program, followed.onReport);
      return followed.started.promise;
    },
  });
}
