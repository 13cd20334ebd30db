import { existsSync } from "node:fs";
import {
  type CgroupPlan,
  executeCgroupOperations,
  parseCgroupsPath,
  planCgroup,
  readCgroupLayout,
  removeCgroups,
} from "@orlop/kernel";
import type { PodDescription } from "./pod-description.ts";

type Place = Pick<PodDescription, "id" | "cgroupParent">;

/** Path of a pod's cgroup, below which those of its containers are; relative where the place is the runtime's choice. */
export function podCgroup({ id, cgroupParent = "orlop" }: Place): string {
  return `${cgroupParent}/pod-${id}`;
}

/** Makes the cgroup with the limits of a pod. @throws OrlopError `denied`, `unsupported` for a limit that cannot be had */
export function makePodCgroup(pod: PodDescription, rootless: boolean): void {
  if (pod.resources === undefined) return;
  executeCgroupOperations(planFor(pod, rootless).operations);
}

/** What is busy or gone is no error: an empty cgroup takes nothing from anybody. */
export async function removePodCgroup(pod: PodDescription, rootless: boolean): Promise<void> {
  const there = planFor({ ...pod, resources: {} }, rootless).remove.filter((path) => existsSync(path));
  await removeCgroups(there).catch(() => {});
}

function planFor(pod: Place & Pick<PodDescription, "resources">, rootless: boolean): CgroupPlan {
  const location = parseCgroupsPath(podCgroup(pod), { driver: "cgroupfs", containerId: pod.id, rootless });
  return planCgroup(readCgroupLayout(), location, pod.resources ?? {}, { rootless });
}
