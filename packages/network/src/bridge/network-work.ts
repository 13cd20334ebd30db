import { type CreateNetworkRequest, generateId, type NetworkInfo, OrlopError, parseName } from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import { parseIpPrefix } from "@orlop/kernel/netlink";
import { listRoutes } from "@orlop/kernel/rtnetlink";
import { chooseSubnets } from "../addresses/choose-subnets.ts";
import { SubnetAddresses } from "../addresses/subnet-addresses.ts";
import type { NetworkRecord, NetworkRecords } from "../records/network-records.ts";
import { bridgeOptionsOf } from "./bridge-options.ts";
import { linkNames } from "./host-links.ts";
import type { HostSide } from "./host-side.ts";

export const BRIDGE_DRIVER = "bridge";

/** Docker's name for it. */
export const DEFAULT_NETWORK = "bridge";

/** `orlop0` and so on, where several sets of records have a default network on one machine. */
const DEFAULT_BRIDGES_MAX = 100;

/** Two owners of interfaces that begin with the same letters are told apart by six hex digits. */
const LINK_PREFIX = "orl";
const LINK_RANDOM_BYTES = 3;

/** Of an interface of this owner's, 15 characters: nothing else ever has it. */
export function newLinkName(owner: string): string {
  return `${LINK_PREFIX}${owner}${Buffer.from(randomBytes(LINK_RANDOM_BYTES)).toString("hex")}`;
}

/** Whether an interface has been made for one of this owner's records. */
export function isOwnLink(name: string, owner: string): boolean {
  return name.startsWith(`${LINK_PREFIX}${owner}`) && name.length === LINK_PREFIX.length + owner.length + 6;
}

/**
 * Writes down a new network. Nothing is made in the kernel.
 *
 * @throws OrlopError `exists`, `invalid`, `unsupported`, `conflict`, `exhausted`
 */
export async function insertNetwork(
  host: HostSide,
  records: NetworkRecords,
  request: CreateNetworkRequest,
): Promise<NetworkRecord> {
  const name = parseName(request.name);
  const options = request.options ?? {};
  const { interfaceName, mtu } = bridgeOptionsOf(options, name);
  const routes = await usedByRoutes(host);
  const links = await linkNames(host.namespace);
  return records.transaction(() => {
    const known = records.networks();
    const subnets = chooseSubnets(request, [...routes, ...known.flatMap(prefixesOf)]);
    checkMtu(name, mtu, subnets);
    const info: NetworkInfo = {
      id: generateId(),
      name,
      driver: BRIDGE_DRIVER,
      subnets,
      internal: request.internal ?? false,
      labels: request.labels ?? {},
      options,
      createdAtMs: Date.now(),
    };
    const taken = new Set([...links, ...known.map(({ link }) => link)]);
    if (interfaceName !== undefined && taken.has(interfaceName)) {
      const problem = `there is an interface "${interfaceName}" already`;
      throw new OrlopError("conflict", `Cannot create network "${name}": ${problem}`);
    }
    const link = interfaceName ?? (name === DEFAULT_NETWORK ? defaultBridge(taken) : newLinkName(records.owner()));
    const record = { info, link };
    records.insertNetwork(record);
    for (const subnet of subnets) {
      const { gateway } = subnet;
      records.takeAddress(info.id, "", gateway, new SubnetAddresses(subnet).ordinal(gateway));
    }
    return record;
  });
}

/** RFC 8200, section 5. */
const MTU_IPV6_MIN = 1280;

function checkMtu(name: string, mtu: number, subnets: NetworkInfo["subnets"]): void {
  if (mtu >= MTU_IPV6_MIN || !subnets.some(({ prefix }) => parseIpPrefix(prefix).version === 6)) return;
  throw new OrlopError("invalid", `Cannot create network "${name}": IPv6 needs an mtu of ${MTU_IPV6_MIN} or more`);
}

function prefixesOf({ info }: NetworkRecord): readonly string[] {
  return info.subnets.map(({ prefix }) => prefix);
}

/** Where the host sends packets to, beside everywhere and every group. */
async function usedByRoutes(host: HostSide): Promise<readonly string[]> {
  const routes = await host.namespace.values("route", listRoutes());
  return routes
    .filter(({ type }) => type === "RTN_UNICAST" || type === "RTN_LOCAL")
    .map(({ destination }) => destination)
    .filter((destination) => !destination.endsWith("/0") && !destination.startsWith("fe80:"));
}

function defaultBridge(taken: ReadonlySet<string>): string {
  for (let index = 0; index < DEFAULT_BRIDGES_MAX; index++) {
    if (!taken.has(`orlop${index}`)) return `orlop${index}`;
  }
  throw new OrlopError("exhausted", `Cannot create network "${DEFAULT_NETWORK}": orlop0 and the 99 after it are taken`);
}
