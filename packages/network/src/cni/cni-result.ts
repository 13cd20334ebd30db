import { type Endpoint, OrlopError } from "@orlop/core";
import { formatIpPrefix, parseIpAddress, parseIpPrefix } from "@orlop/kernel/netlink";
import type { EndpointFacts } from "../configured/endpoint-maker.ts";
import { hostResolvers } from "../resolvers.ts";
import { isObject } from "./conflist.ts";

/** What the interface of one name has got, of a result of ADD: CNI specification 0.3.1 to 1.1.0, section 5. */
export function factsOf(result: unknown, interfaceName: string): Omit<EndpointFacts, "interfaceName"> {
  const { interfaces, ips, routes, dns } = isObject(result) ? result : {};
  const links = objects(interfaces);
  const index = links.findIndex(
    ({ name, sandbox }) => name === interfaceName && typeof sandbox === "string" && sandbox !== "",
  );
  // One that tells of no interfaces speaks of the one that was asked for.
  const own = objects(ips).filter((each) => each.interface === undefined || each.interface === index);
  return {
    addresses: own.map(({ address }) => formatIpPrefix(parseIpPrefix(text(address, "address")))),
    hardwareAddress: index < 0 ? "" : text(links[index]?.mac ?? "", "hardware address"),
    gateways: own.flatMap(({ gateway }) => (gateway === undefined ? [] : [text(gateway, "gateway")])),
    routes: objects(routes).map(({ dst, gw }) => routeOf(text(dst, "route"), gw, own)),
    resolvers: resolversOf(dns),
  };
}

/** A route without a gateway has the one of the address of its version. */
function routeOf(
  destination: string,
  gw: unknown,
  ips: readonly Readonly<Record<string, unknown>>[],
): Endpoint["routes"][number] {
  const { version } = parseIpPrefix(destination);
  const ofVersion = ips.map(({ gateway }) => gateway).find((each) => isAddress(each, version));
  const gateway = gw ?? ofVersion;
  return { destination, ...(gateway === undefined ? {} : { gateway: text(gateway, "gateway") }) };
}

function isAddress(value: unknown, version: 4 | 6): boolean {
  return typeof value === "string" && parseIpAddress(value).version === version;
}

function resolversOf(dns: unknown): Endpoint["resolvers"] {
  const { nameservers, search, options } = isObject(dns) ? dns : {};
  if (texts(nameservers).length === 0) return hostResolvers();
  return { servers: texts(nameservers), search: texts(search), options: texts(options) };
}

function objects(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

function text(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw new OrlopError("failed", `Cannot read result of CNI plug-ins: a ${what} is ${JSON.stringify(value)}`);
}
