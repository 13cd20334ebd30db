import { type LinuxResources, OrlopError } from "@orlop/core";
import {
  type CgroupLayout,
  type CgroupLocation,
  planSystemdUnit,
  type SystemdConnection,
  type SystemdUnit,
} from "@orlop/kernel";
import type { HostView } from "../process/supervision.ts";

/** The systemd unit whose cgroup is a container's; kept with the container, for who changes or deletes it later. */
export interface ContainerUnit {
  readonly name: string;
  /** Of its owner's systemd, not of the machine's. */
  readonly ofUser: boolean;
}

/** One that is about to be made. */
export interface PlannedUnit extends ContainerUnit, SystemdUnit {}

/** What planning needs to know of the systemd that will make the unit. */
export type SystemdView = Pick<SystemdConnection, "version" | "controlGroup">;

interface UnitRequest {
  readonly id: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly resources: LinuxResources;
}

/** The version of cgroups in which systemd applies limits: with both of them there the first. */
function systemdCgroupVersion({ mode }: CgroupLayout): 1 | 2 {
  return mode === "v2" ? 2 : 1;
}

/** The unit of a container. Throws `invalid` for annotations that cannot be, `unsupported` for a slice. */
export function planContainerUnit(
  { scope }: Extract<CgroupLocation, { kind: "systemd" }>,
  { id, annotations, resources }: UnitRequest,
  layout: CgroupLayout,
  systemd: SystemdView,
  { rootless }: HostView,
): PlannedUnit {
  if (scope.name.endsWith(".slice")) {
    throw new OrlopError("unsupported", `Cannot use cgroup "${scope.name}": a slice has no processes of its own`, {
      field: "linux.cgroupsPath",
    });
  }
  const { devices = [], ...others } = resources;
  // A container without rules has some, too, and systemd would take away what it does not know of. A user's may set none.
  const unit = planSystemdUnit(scope, rootless ? others : { ...others, devices }, {
    containerId: id,
    annotations,
    cgroupVersion: systemdCgroupVersion(layout),
    systemdVersion: systemd.version,
  });
  return { ...unit, ofUser: rootless };
}
