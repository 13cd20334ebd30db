import { type Endpoint, OrlopError, type Route } from "@orlop/core";
import { parseIpPrefix, type RelayNamespace } from "@orlop/kernel/netlink";
import { addAddress, addRoute, changeLink, createLink, listRoutes, RT_TABLE_MAIN } from "@orlop/kernel/rtnetlink";
import type { EndpointRecord, NetworkRecord } from "../records/network-records.ts";
import { bridgeOptionsOf } from "./bridge-options.ts";
import { findLink, hasIpv6, linkNames, WITHOUT_IPV6 } from "./host-links.ts";

/** The interfaces of one namespace are numbered up to this. */
const INTERFACES_MAX = 1024;

/** The first of `eth0`, `eth1`, ... that the namespace does not have. */
export async function freeInterfaceName(inside: RelayNamespace): Promise<string> {
  const names = await linkNames(inside);
  for (let index = 0; index < INTERFACES_MAX; index++) if (!names.has(`eth${index}`)) return `eth${index}`;
  throw new OrlopError("exhausted", `Cannot connect: the namespace has ${INTERFACES_MAX} interfaces`);
}

/** Versions of IP that the namespace has a default route of. */
export async function defaultRouteVersions(inside: RelayNamespace): Promise<ReadonlySet<4 | 6>> {
  const routes = await inside.values("route", listRoutes({ table: RT_TABLE_MAIN }));
  const defaults = routes.filter(({ destination }) => destination === "0.0.0.0/0" || destination === "::/0");
  return new Set(defaults.map(({ destination }) => parseIpPrefix(destination).version));
}

/**
 * Makes the pair of interfaces, one end on the bridge and one in the namespace, with its addresses and routes.
 *
 * @throws OrlopError `exists` for an interface that the namespace has already
 */
export async function makePair(
  host: RelayNamespace,
  inside: RelayNamespace,
  network: NetworkRecord,
  record: EndpointRecord,
): Promise<void> {
  const { interfaceName, hardwareAddress } = record.endpoint;
  const { mtu } = bridgeOptionsOf(network.info.options, network.info.name);
  const peer = { name: interfaceName, netnsFd: inside.fd, address: hardwareAddress, mtu };
  await host.route(createLink({ name: record.link, mtu, kind: { kind: "veth", data: { peer } } }));
  await attach(host, network, record.link);
  await configure(inside, network, record.endpoint);
}

/** Makes the host's end a port of the bridge. */
export async function attach(host: RelayNamespace, network: NetworkRecord, link: string): Promise<void> {
  const bridge = await findLink(host, network.link);
  if (bridge === undefined) throw new OrlopError("failed", `Cannot attach "${link}": bridge "${network.link}" is gone`);
  const { isolated } = bridgeOptionsOf(network.info.options, network.info.name);
  await host.route(
    changeLink(link, WITHOUT_IPV6),
    changeLink(link, { master: bridge.index, up: true }),
    // With br_netfilter the bridge itself leads a packet to a published port on, back to where it came from, too.
    changeLink(link, { port: { kind: "bridge", data: { hairpin: true, isolated } } }),
  );
}

async function configure(inside: RelayNamespace, { info }: NetworkRecord, endpoint: Endpoint): Promise<void> {
  const { interfaceName, addresses, routes } = endpoint;
  const link = await findLink(inside, interfaceName);
  if (link === undefined) {
    throw new OrlopError("failed", `Cannot configure interface "${interfaceName}": it is gone`);
  }
  const { index } = link;
  const ipv6 = hasIpv6(info.subnets);
  if (ipv6) await prepareIpv6(inside, interfaceName);
  await inside.route(
    ...(ipv6 ? [] : [changeLink(index, WITHOUT_IPV6)]),
    changeLink(index, { up: true }),
    ...addresses.map((address) => {
      const flags = parseIpPrefix(address).version === 6 ? { flags: ["IFA_F_NODAD"] as const } : { broadcast: "+" };
      return addAddress({ index, address, ...flags });
    }),
    ...routes.map((route) => routeRequest(route, index)),
  );
}

/** @throws OrlopError `not-found` for an interface that is gone */
export async function addRoutes(
  inside: RelayNamespace,
  interfaceName: string,
  routes: readonly Route[],
): Promise<void> {
  const link = await findLink(inside, interfaceName);
  if (link === undefined) {
    throw new OrlopError("not-found", `Cannot add routes by interface "${interfaceName}": it is gone`);
  }
  await inside.route(...routes.map((route) => routeRequest(route, link.index)));
}

function routeRequest({ destination, gateway }: Route, index: number): ReturnType<typeof addRoute> {
  const way = gateway === undefined ? {} : { gateway };
  return addRoute({ destination, outputInterface: index, ...way });
}

/** A neighbour must not be able to make itself the router, and an address may be forbidden where nobody has asked for it. */
async function prepareIpv6(inside: RelayNamespace, interfaceName: string): Promise<void> {
  const directory = `/proc/sys/net/ipv6/conf/${interfaceName}`;
  await inside.writeFile(`${directory}/disable_ipv6`, "0");
  await inside.writeFile(`${directory}/accept_ra`, "0");
}
