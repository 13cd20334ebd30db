import { OrlopError } from "@orlop/core";
import {
  formatIpAddress,
  formatIpPrefix,
  type IpPrefix,
  networkOf,
  parseIpAddress,
  parseIpPrefix,
} from "../ip-address.ts";
import { type NetlinkMessage, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from "../message.ts";
import { changeRequest, decodeBody, dumpRequest, getRequest, type NetlinkRequest } from "../request.ts";
import { type AddressFamily, familyOf } from "./address-family.ts";
import { RTM_DELROUTE, RTM_GETROUTE, RTM_NEWROUTE } from "./message-types.ts";
import {
  type NextHopAttributes,
  type RouteAttributes,
  type RouteFlags,
  type RouteHeader,
  type RouteMetrics,
  type RouteProtocol,
  type RouteType,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RT_TABLE_UNSPEC,
  routeBody,
  type WireNextHop,
} from "./route.ts";
import type { Scope } from "./scope.ts";

/** One of several ways of a multipath route. */
export interface NextHop {
  readonly gateway?: string;
  readonly outputInterface?: number;
  /** Share of the flows, 1 to 256; default 1. */
  readonly weight?: number;
  readonly flags?: RouteFlags;
}

/** A route to be made. Everything but `destination` may be left out; defaults are those of `ip route`. */
export interface NewRoute {
  /** Network: `10.5.0.0/16`, `0.0.0.0/0` and `::/0` for the default route. */
  readonly destination: string;
  /** For IPv6 routes that hold only for packets from this network. */
  readonly source?: string;
  /** May be of the other IP version (Linux 5.2). */
  readonly gateway?: string;
  /** Interface index. */
  readonly outputInterface?: number;
  readonly nextHops?: readonly NextHop[];
  /** `RTA_PRIORITY`: of two routes to the same network the one with the lower metric counts. */
  readonly metric?: number;
  /** Default 254, main; 255, local, for the types that live there. */
  readonly table?: number;
  readonly type?: RouteType;
  readonly scope?: Scope;
  readonly protocol?: RouteProtocol;
  /** Source address of packets that start here. */
  readonly preferredSource?: string;
  /** `["RTNH_F_ONLINK"]`: the gateway is reached through the interface although no network of it says so. */
  readonly flags?: RouteFlags;
  readonly metrics?: RouteMetrics;
  readonly expiresSeconds?: number;
}

/** A route that the kernel has. */
export interface Route extends NextHop {
  readonly family: AddressFamily;
  readonly destination: string;
  readonly source?: string;
  readonly nextHops?: readonly NextHop[];
  readonly metric?: number;
  readonly table: number;
  readonly type: RouteType;
  readonly scope: Scope;
  readonly protocol: RouteProtocol;
  readonly preferredSource?: string;
  readonly flags: RouteFlags;
  readonly metrics?: RouteMetrics;
  readonly expiresSeconds?: number;
}

export interface RouteAddition {
  /** What happens when there is a route to that network with that metric: default `exclusive`, an EEXIST. */
  readonly mode?: "exclusive" | "replace" | "append";
}

const MODE_FLAGS = { exclusive: NLM_F_EXCL, replace: NLM_F_REPLACE, append: NLM_F_APPEND } as const;

/** `ip route add`, `replace` and `append`. */
export function addRoute(route: NewRoute, addition: RouteAddition = {}): NetlinkRequest {
  const type = route.type ?? "RTN_UNICAST";
  const value = {
    ...wireRoute(route),
    type,
    protocol: route.protocol ?? "RTPROT_BOOT",
    scope: scopeOf(route),
  } as const;
  return changeRequest({
    operation: "add route",
    object: route.destination,
    type: RTM_NEWROUTE,
    flags: NLM_F_CREATE | MODE_FLAGS[addition.mode ?? "exclusive"],
    write: (to) => routeBody.write(value, to),
  });
}

/** `ip route del`: the first route that has what is given here. */
export function deleteRoute(route: NewRoute): NetlinkRequest {
  const wire = wireRoute(route);
  // RT_SCOPE_NOWHERE means any; IPv6 has no scopes.
  const scope = route.scope ?? (wire.family === "AF_INET" ? "RT_SCOPE_NOWHERE" : "RT_SCOPE_UNIVERSE");
  const value = {
    ...wire,
    scope,
    type: route.type ?? "RTN_UNSPEC",
    protocol: route.protocol ?? "RTPROT_UNSPEC",
  } as const;
  return changeRequest({
    operation: "delete route",
    object: route.destination,
    type: RTM_DELROUTE,
    write: (to) => routeBody.write(value, to),
  });
}

export interface RouteFilter {
  readonly family?: "AF_INET" | "AF_INET6";
  readonly table?: number;
  readonly outputInterface?: number;
}

/** Routes of the namespace; without a filter, of all tables. */
export function listRoutes(filter: RouteFilter = {}): NetlinkRequest<Route> {
  return dumpRequest({
    operation: "list routes",
    object: "",
    type: RTM_GETROUTE,
    write: (to) => routeBody.write(filter, to),
    decode(message) {
      const route = decodeRoute(message);
      // Without NETLINK_GET_STRICT_CHK the kernel applies neither of the two.
      const table = filter.table === undefined || filter.table === route.table;
      const output = filter.outputInterface === undefined || filter.outputInterface === route.outputInterface;
      return table && output ? route : undefined;
    },
  });
}

/** `ip route get`: the way that a packet from here to `destination` would take. */
export function lookUpRoute(destination: string): NetlinkRequest<Route> {
  const address = parseIpAddress(destination);
  const value = {
    family: familyOf(address),
    destinationLength: 8 * address.bytes.length,
    flags: ["RTM_F_LOOKUP_TABLE"],
    destination,
  } as const;
  return getRequest({
    operation: "look up route to",
    object: destination,
    type: RTM_GETROUTE,
    write: (to) => routeBody.write(value, to),
    decode: decodeRoute,
  });
}

/** Decodes an RTM_NEWROUTE (or the RTM_DELROUTE that the kernel broadcasts). Throws OrlopError("invalid"). */
export function decodeRoute(message: NetlinkMessage): Route {
  const wire = decodeBody(message, [RTM_NEWROUTE, RTM_DELROUTE], routeBody);
  const { family, destinationLength, sourceLength, typeOfService: _, lowTable, table, ...rest } = wire;
  const { destination, source, multipath, gateway, via, inputInterface, mark, preference, uid, ...kept } = rest;
  const way = gateway ?? via;
  return {
    ...kept,
    family,
    destination: prefixText(family, destination, destinationLength),
    ...(source === undefined ? {} : { source: `${source}/${sourceLength}` }),
    ...(way === undefined ? {} : { gateway: way }),
    ...(multipath === undefined ? {} : { nextHops: multipath.map(decodeNextHop) }),
    table: table ?? lowTable,
  };
}

function prefixText(family: AddressFamily, address: string | undefined, length: number): string {
  return `${address ?? (family === "AF_INET6" ? "::" : "0.0.0.0")}/${length}`;
}

function decodeNextHop(hop: WireNextHop): NextHop {
  const gateway = hop.gateway ?? hop.via;
  return {
    ...(gateway === undefined ? {} : { gateway }),
    outputInterface: hop.index,
    weight: hop.hops + 1,
    flags: hop.flags,
  };
}

function wireRoute(route: NewRoute): Partial<RouteHeader> & RouteAttributes {
  const destination = network(route.destination);
  const source = route.source === undefined ? undefined : network(route.source);
  const { outputInterface, metric, preferredSource, flags, metrics, expiresSeconds } = route;
  const table = route.table ?? (livesInLocal(route.type) ? RT_TABLE_LOCAL : RT_TABLE_MAIN);
  const fits = table <= RT_TABLE_LOCAL;
  return {
    family: familyOf(destination),
    destinationLength: destination.prefixLength,
    sourceLength: source?.prefixLength ?? 0,
    lowTable: fits ? table : RT_TABLE_UNSPEC,
    ...(flags === undefined ? {} : { flags }),
    ...(destination.prefixLength === 0 ? {} : { destination: formatIpAddress(destination.bytes) }),
    ...(source === undefined ? {} : { source: formatIpAddress(source.bytes) }),
    ...wireGateway(destination, route.gateway),
    ...(metrics === undefined ? {} : { metrics }),
    ...(fits ? {} : { table }),
    ...(preferredSource === undefined ? {} : { preferredSource }),
    ...(metric === undefined ? {} : { metric }),
    ...(outputInterface === undefined ? {} : { outputInterface }),
    ...(route.nextHops === undefined ? {} : { multipath: route.nextHops.map((hop) => wireNextHop(destination, hop)) }),
    ...(expiresSeconds === undefined ? {} : { expiresSeconds }),
  };
}

/** The kernel answers a network with host bits by a bare EINVAL, so they are refused here. */
function network(text: string): IpPrefix {
  const prefix = parseIpPrefix(text);
  const cleared = formatIpPrefix(networkOf(prefix));
  if (cleared === formatIpPrefix(prefix)) return prefix;
  throw new OrlopError("invalid", `Cannot route "${text}": it has bits set behind its prefix length\nTry ${cleared}.`, {
    operation: "encode route",
  });
}

function wireGateway(destination: IpPrefix, gateway: string | undefined): NextHopAttributes {
  if (gateway === undefined) return {};
  return parseIpAddress(gateway).version === destination.version ? { gateway } : { via: gateway };
}

function wireNextHop(destination: IpPrefix, hop: NextHop): WireNextHop {
  const { weight = 1, outputInterface = 0, flags = [], gateway } = hop;
  if (!Number.isInteger(weight) || weight < 1 || weight > 256) {
    throw new OrlopError(
      "invalid",
      `Cannot weigh next hop "${gateway ?? outputInterface}": ${weight} is not from 1 to 256`,
      {
        operation: "encode route",
      },
    );
  }
  return { flags, hops: weight - 1, index: outputInterface, ...wireGateway(destination, gateway) };
}

function livesInLocal(type: RouteType | undefined): boolean {
  return type === "RTN_LOCAL" || type === "RTN_BROADCAST" || type === "RTN_ANYCAST" || type === "RTN_NAT";
}

/** The scope that `ip route` would choose. */
function scopeOf(route: NewRoute): Scope {
  const { type = "RTN_UNICAST" } = route;
  if (route.scope !== undefined) return route.scope;
  // IPv6 has no scopes.
  if (parseIpPrefix(route.destination).version === 6) return "RT_SCOPE_UNIVERSE";
  if (type === "RTN_LOCAL" || type === "RTN_NAT") return "RT_SCOPE_HOST";
  if (type === "RTN_BROADCAST" || type === "RTN_MULTICAST" || type === "RTN_ANYCAST") return "RT_SCOPE_LINK";
  const direct = type === "RTN_UNICAST" && route.gateway === undefined && route.nextHops === undefined;
  return direct ? "RT_SCOPE_LINK" : "RT_SCOPE_UNIVERSE";
}
