import type { LinuxRdma } from "@orlop/core";
import type { WriteCgroupFile } from "../cgroup-plan.ts";
import { type ResourceContext, refuse, resourceTarget, resourceWrite } from "./resource-context.ts";

/** Carries out `linux.resources.rdma` (config-linux.md, "RDMA"). */
export function planRdma(devices: Readonly<Record<string, LinuxRdma>>, context: ResourceContext): WriteCgroupFile[] {
  return Object.entries(devices).map(([device, limits]) => {
    const field = `rdma.${device}`;
    if (!/^[^\s=]+$/.test(device)) throw refuse("invalid", field, device, "it is not the name of a device");
    const parts = [
      ...(limits.hcaHandles === undefined ? [] : [`hca_handle=${limits.hcaHandles}`]),
      ...(limits.hcaObjects === undefined ? [] : [`hca_object=${limits.hcaObjects}`]),
    ];
    if (parts.length === 0) throw refuse("invalid", field, limits, "it needs hcaHandles or hcaObjects");
    const target = resourceTarget(context, "rdma", "rdma", limits);
    const value = `${device} ${parts.join(" ")}`;
    return resourceWrite(target, field, "rdma.max", value, `Limits what ${device} hands out to ${parts.join(" and ")}`);
  });
}
