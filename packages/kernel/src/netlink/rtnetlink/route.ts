import { AttributeTable, attribute } from "../attributes.ts";
import { Body } from "../body.ts";
import type { ByteReader } from "../byte-reader.ts";
import { type Choice, choice, type FlagNames, flagNames } from "../choices.ts";
import type { Codec } from "../codec.ts";
import { s32, u8, u16, u32 } from "../integers.ts";
import { formatIpAddress, ipAddress, parseIpAddress } from "../ip-address.ts";
import { field, Layout } from "../layout.ts";
import { alignmentBytes } from "../limits.ts";
import { plainText } from "../text.ts";
import { type AddressFamily, addressFamilies, addressFamily } from "./address-family.ts";
import { type Scope, scopes } from "./scope.ts";

// The wire form of routes, linux/rtnetlink.h. route-requests.ts has what callers use.

// table: RTN_
export const routeTypes = {
  RTN_UNSPEC: 0,
  RTN_UNICAST: 1,
  RTN_LOCAL: 2,
  RTN_BROADCAST: 3,
  RTN_ANYCAST: 4,
  RTN_MULTICAST: 5,
  RTN_BLACKHOLE: 6,
  RTN_UNREACHABLE: 7,
  RTN_PROHIBIT: 8,
  RTN_THROW: 9,
  RTN_NAT: 10,
  RTN_XRESOLVE: 11,
} as const;
export type RouteType = Choice<typeof routeTypes>;

// table: RTPROT_
export const routeProtocols = {
  RTPROT_UNSPEC: 0,
  RTPROT_REDIRECT: 1,
  RTPROT_KERNEL: 2,
  RTPROT_BOOT: 3,
  RTPROT_STATIC: 4,
  RTPROT_RA: 9,
  RTPROT_ZEBRA: 11,
  RTPROT_BIRD: 12,
  RTPROT_DHCP: 16,
  RTPROT_BGP: 186,
  RTPROT_OSPF: 188,
} as const;
export type RouteProtocol = Choice<typeof routeProtocols>;

// table: RTNH_F_ and RTM_F_, which share rtm_flags
export const routeFlagNames = {
  RTNH_F_DEAD: 0x1,
  RTNH_F_PERVASIVE: 0x2,
  RTNH_F_ONLINK: 0x4,
  RTNH_F_OFFLOAD: 0x8,
  RTNH_F_LINKDOWN: 0x10,
  RTNH_F_UNRESOLVED: 0x20,
  RTNH_F_TRAP: 0x40,
  RTM_F_NOTIFY: 0x100,
  RTM_F_CLONED: 0x200,
  RTM_F_EQUALIZE: 0x400,
  RTM_F_PREFIX: 0x800,
  RTM_F_LOOKUP_TABLE: 0x1000,
  RTM_F_FIB_MATCH: 0x2000,
  RTM_F_OFFLOAD: 0x4000,
  RTM_F_TRAP: 0x8000,
  RTM_F_OFFLOAD_FAILED: 0x2000_0000,
} as const;
export type RouteFlags = FlagNames<typeof routeFlagNames>;

// table: RT_TABLE_
export const RT_TABLE_UNSPEC = 0;
/** In `rtm_table` when the number does not fit its eight bits and stands in RTA_TABLE only. */
export const RT_TABLE_COMPAT = 252;
export const RT_TABLE_DEFAULT = 253;
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;

/** `struct rtmsg`. */
export interface RouteHeader {
  readonly family: AddressFamily;
  readonly destinationLength: number;
  readonly sourceLength: number;
  readonly typeOfService: number;
  readonly lowTable: number;
  readonly protocol: RouteProtocol;
  readonly scope: Scope;
  readonly type: RouteType;
  readonly flags: RouteFlags;
}

export const routeHeader: Layout<RouteHeader> = new Layout<RouteHeader>({
  struct: "rtmsg",
  header: "linux/rtnetlink.h",
  size: 12,
  fields: {
    family: field("rtm_family", addressFamily, 0, 1),
    destinationLength: field("rtm_dst_len", u8, 1, 1),
    sourceLength: field("rtm_src_len", u8, 2, 1),
    typeOfService: field("rtm_tos", u8, 3, 1),
    lowTable: field("rtm_table", u8, 4, 1),
    protocol: field("rtm_protocol", choice(u8, routeProtocols), 5, 1),
    scope: field("rtm_scope", choice(u8, scopes), 6, 1),
    type: field("rtm_type", choice(u8, routeTypes), 7, 1),
    flags: field("rtm_flags", flagNames(u32, routeFlagNames), 8, 4),
  },
});

/** `RTA_METRICS`: what TCP and the like should assume of the route. */
export interface RouteMetrics {
  /** Metrics that the kernel may not change by itself, one bit each (`1 << RTAX_`). */
  readonly lock?: number;
  readonly mtu?: number;
  readonly window?: number;
  readonly advertisedMss?: number;
  readonly hopLimit?: number;
  readonly initialCongestionWindow?: number;
  readonly features?: number;
  readonly initialReceiveWindow?: number;
  readonly quickAck?: number;
  readonly congestionControl?: string;
}

/** `TCP_CA_NAME_MAX` of net/tcp.h. */
const CONGESTION_NAME_MAX_BYTES = 16;

export const routeMetrics: AttributeTable<RouteMetrics> = new AttributeTable<RouteMetrics>("linux/rtnetlink.h", {
  lock: attribute("RTAX_LOCK", 1, u32),
  mtu: attribute("RTAX_MTU", 2, u32),
  window: attribute("RTAX_WINDOW", 3, u32),
  advertisedMss: attribute("RTAX_ADVMSS", 8, u32),
  hopLimit: attribute("RTAX_HOPLIMIT", 10, u32),
  initialCongestionWindow: attribute("RTAX_INITCWND", 11, u32),
  features: attribute("RTAX_FEATURES", 12, u32),
  initialReceiveWindow: attribute("RTAX_INITRWND", 14, u32),
  quickAck: attribute("RTAX_QUICKACK", 15, u32),
  congestionControl: attribute("RTAX_CC_ALGO", 16, plainText(CONGESTION_NAME_MAX_BYTES)),
});

/** `struct rtvia`: a gateway of another IP version than the destination. */
const routeVia: Codec<string> = {
  write(value, to) {
    const bytes = parseIpAddress(value).bytes;
    u16.write(addressFamilies[bytes.length === 4 ? "AF_INET" : "AF_INET6"], to);
    to.append(bytes);
  },
  read(from) {
    if (from.length !== 6 && from.length !== 18) from.fail(`it has ${from.length} bytes, not 6 or 18`);
    return formatIpAddress(from.bytes.subarray(2));
  },
};

/** Attributes of a route that a next hop of a multipath route has too. */
export interface NextHopAttributes {
  readonly gateway?: string;
  readonly via?: string;
}

const gatewayRow = attribute("RTA_GATEWAY", 5, ipAddress);
const viaRow = attribute("RTA_VIA", 18, routeVia);

/** `struct rtnexthop` without its length. */
export interface NextHopHeader {
  readonly flags: RouteFlags;
  /** Its weight, less one. */
  readonly hops: number;
  readonly index: number;
}

export type WireNextHop = NextHopHeader & NextHopAttributes;

export const nextHopBody: Body<NextHopHeader & { readonly length: number }, NextHopAttributes> = new Body(
  new Layout<NextHopHeader & { readonly length: number }>({
    struct: "rtnexthop",
    header: "linux/rtnetlink.h",
    size: 8,
    fields: {
      length: field("rtnh_len", u16, 0, 2),
      flags: field("rtnh_flags", flagNames(u8, routeFlagNames), 2, 1),
      hops: field("rtnh_hops", u8, 3, 1),
      index: field("rtnh_ifindex", s32, 4, 4),
    },
  }),
  new AttributeTable<NextHopAttributes>("linux/rtnetlink.h", { gateway: gatewayRow, via: viaRow }),
);

/** `RTA_MULTIPATH`: next hops one behind the other, each with its length and attributes. */
const multipath: Codec<readonly WireNextHop[]> = {
  write(hops, to) {
    for (const hop of hops) {
      const start = to.length;
      nextHopBody.write({ length: 0, ...hop }, to);
      to.patchU16(start, to.length - start);
    }
  },
  read(from) {
    const hops: WireNextHop[] = [];
    for (let at = 0; at < from.length; ) at = readNextHop(from, at, hops);
    return hops;
  },
};

function readNextHop(from: ByteReader, at: number, hops: WireNextHop[]): number {
  const least = nextHopBody.header.size;
  if (at + least > from.length) from.fail(`${from.length - at} bytes stand after the last next hop`);
  const length = from.view.getUint16(at, true);
  if (length < least || at + length > from.length) {
    from.fail(`the next hop at ${at} says that it has ${length} bytes of ${from.length - at}`);
  }
  const { length: _, ...hop } = nextHopBody.read(from.inner(`next hop ${hops.length}`, at, at + length));
  hops.push(hop);
  return at + Math.ceil(length / alignmentBytes) * alignmentBytes;
}

export interface RouteAttributes extends NextHopAttributes {
  readonly destination?: string;
  readonly source?: string;
  readonly inputInterface?: number;
  readonly outputInterface?: number;
  readonly metric?: number;
  readonly preferredSource?: string;
  readonly metrics?: RouteMetrics;
  readonly multipath?: readonly WireNextHop[];
  readonly table?: number;
  readonly mark?: number;
  readonly preference?: number;
  readonly expiresSeconds?: number;
  readonly uid?: number;
}

export const routeBody: Body<RouteHeader, RouteAttributes> = new Body(
  routeHeader,
  new AttributeTable<RouteAttributes>("linux/rtnetlink.h", {
    destination: attribute("RTA_DST", 1, ipAddress),
    source: attribute("RTA_SRC", 2, ipAddress),
    inputInterface: attribute("RTA_IIF", 3, u32),
    outputInterface: attribute("RTA_OIF", 4, u32),
    gateway: gatewayRow,
    metric: attribute("RTA_PRIORITY", 6, u32),
    preferredSource: attribute("RTA_PREFSRC", 7, ipAddress),
    metrics: attribute("RTA_METRICS", 8, routeMetrics),
    multipath: attribute("RTA_MULTIPATH", 9, multipath),
    table: attribute("RTA_TABLE", 15, u32),
    mark: attribute("RTA_MARK", 16, u32),
    via: viaRow,
    preference: attribute("RTA_PREF", 20, u8),
    expiresSeconds: attribute("RTA_EXPIRES", 23, u32),
    uid: attribute("RTA_UID", 25, u32),
  }),
);
