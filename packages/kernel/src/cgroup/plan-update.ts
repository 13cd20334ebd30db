import type { LinuxResources } from "@orlop/core";
import type { CgroupDirectory, CgroupOperation } from "./cgroup-plan.ts";
import { planResources } from "./resources/plan-resources.ts";
import { refuse } from "./resources/resource-context.ts";

interface CgroupUpdateOptions {
  readonly rootless: boolean;
  /** Reads a file of a cgroup; undefined: it is not there. */
  readonly readCurrent: (directory: string, file: string) => string | undefined;
}

/**
 * Plans new limits for a container that runs: only the fields that are present change. Device rules are a whole
 * list; where `devices` is absent the present ones stay.
 *
 * Throws like `planCgroup`.
 */
export function planUpdate(
  directories: readonly CgroupDirectory[],
  resources: LinuxResources,
  options: CgroupUpdateOptions,
): CgroupOperation[] {
  if (options.rootless && resources.devices !== undefined) {
    throw refuse(
      "denied",
      "devices",
      resources.devices,
      "device rules need privileges that a rootless container lacks",
    );
  }
  return planResources(
    resources,
    {
      purpose: "update",
      directories,
      denied: new Map(),
      absent: "the container is in no cgroup with",
      readCurrent: options.readCurrent,
    },
    resources.devices !== undefined,
  );
}
