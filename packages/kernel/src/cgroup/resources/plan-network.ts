import type { LinuxNetwork } from "@orlop/core";
import type { WriteCgroupFile } from "../cgroup-plan.ts";
import { isSet, type ResourceContext, refuse, resourceTarget, resourceWrite } from "./resource-context.ts";

/** Carries out `linux.resources.network` (config-linux.md, "Network"), which only version 1 can. */
export function planNetwork(network: LinuxNetwork, context: ResourceContext): WriteCgroupFile[] {
  const operations: WriteCgroupFile[] = [];
  if (isSet(network.classID)) {
    const target = resourceTarget(context, "net_cls", "network.classID", network.classID);
    const reason = "Tags the container's packets for traffic control";
    operations.push(resourceWrite(target, "network.classID", "net_cls.classid", `${network.classID}`, reason));
  }
  for (const [index, { name, priority }] of (network.priorities ?? []).entries()) {
    const field = `network.priorities[${index}]`;
    // IFNAMSIZ; a space or newline would be read as the end of the name.
    if (!/^[^\s/]{1,15}$/.test(name))
      throw refuse("invalid", `${field}.name`, name, "it is not the name of an interface");
    const target = resourceTarget(context, "net_prio", "network.priorities", network.priorities);
    const reason = `Gives packets leaving by ${name} the priority ${priority}`;
    operations.push(resourceWrite(target, field, "net_prio.ifpriomap", `${name} ${priority}`, reason));
  }
  return operations;
}
