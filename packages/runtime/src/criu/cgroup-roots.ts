import { posix } from "node:path";
import { OrlopError } from "@orlop/core";
import type { CgroupDirectory, CgroupHierarchy, CgroupLayout } from "@orlop/kernel";
import { CGROUP_MODES } from "./criu-request.ts";

/** Cgroups as CRIU wants to have them: for each controller where the container's tree begins. */
interface CgroupRoot {
  readonly ctrl: string;
  readonly path: string;
}

/** The container's own cgroups, and this process's where the container has none. */
export function cgroupRoots({ v1, v2 }: CgroupLayout, directories: readonly CgroupDirectory[]): readonly CgroupRoot[] {
  return [...v1, ...(v2 === undefined ? [] : [v2])].flatMap((hierarchy) => {
    const path = cgroupOf(hierarchy, directories);
    return controllerNames(hierarchy).map((ctrl) => ({ ctrl, path }));
  });
}

/** As in /proc/PID/cgroup. */
function cgroupOf(hierarchy: CgroupHierarchy, directories: readonly CgroupDirectory[]): string {
  const { mountPoint, mountRoot, ownPath } = hierarchy;
  const own = directories.find(
    ({ version, path }) => version === hierarchy.version && path.startsWith(`${mountPoint}/`),
  );
  return own === undefined ? ownPath : posix.join(mountRoot, own.path.slice(mountPoint.length));
}

function controllerNames({ version, name, controllers }: CgroupHierarchy): readonly string[] {
  if (version === 2) return [""];
  return name === undefined ? controllers : [`name=${name}`];
}

export type CgroupsMode = keyof typeof CGROUP_MODES;

/** @throws OrlopError `invalid` for a mode that is none */
export function parseCgroupsMode(text: string): CgroupsMode {
  if (Object.hasOwn(CGROUP_MODES, text)) return text as CgroupsMode;
  throw new OrlopError(
    "invalid",
    `Cannot use manage-cgroups-mode "${text}": it is one of ${Object.keys(CGROUP_MODES).join(", ")}`,
  );
}
