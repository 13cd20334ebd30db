import type { Subnet } from "@orlop/core";
import { formatIpPrefix, networkOf, parseIpPrefix } from "@orlop/kernel/netlink";
import { SubnetAddresses } from "../addresses/subnet-addresses.ts";
import { type Conflist, isObject } from "./conflist.ts";

/** Those that the addresses of a network come from, as far as its configuration tells: by the plug-in host-local. */
export function subnetsOf({ plugins }: Conflist): readonly Subnet[] {
  const [first] = plugins;
  const ipam = first?.config.ipam;
  if (!isObject(ipam) || ipam.type !== "host-local") return [];
  const ranges = Array.isArray(ipam.ranges) ? ipam.ranges.flat() : [];
  return [ipam, ...ranges].flatMap((each): Subnet[] => {
    if (!isObject(each) || typeof each.subnet !== "string") return [];
    const prefix = formatIpPrefix(networkOf(parseIpPrefix(each.subnet)));
    const gateway = typeof each.gateway === "string" ? each.gateway : new SubnetAddresses({ prefix }).address(1);
    return [{ prefix, gateway }];
  });
}
