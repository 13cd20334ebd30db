import { AttributeTable, attribute, nested } from "./attributes.ts";
import { Body } from "./body.ts";
import { type Choice, choice, type FlagNames, flagNames } from "./choices.ts";
import { be16, be32, be64, u8 } from "./integers.ts";
import { ipv4Address, ipv6Address, parseIpAddress } from "./ip-address.ts";
import type { NetlinkMessage } from "./message.ts";
import { type NetfilterHeader, netfilterHeader } from "./netfilter-header.ts";
import { changeRequest, decodeBody, dumpRequest, type MessageType, type NetlinkRequest } from "./request.ts";

// Connection tracking entries, linux/netfilter/nfnetlink_conntrack.h and nf_conntrack_common.h. A port mapping that goes
// must take its UDP entries along: conntrack would send a client's next packets where the mapping once led.

const HEADER = "linux/netfilter/nfnetlink_conntrack.h";
/** `NFNL_SUBSYS_CTNETLINK` */
const NFNL_SUBSYS_CTNETLINK = 1;

const type = (name: string, number: number): MessageType => ({ name, number: (NFNL_SUBSYS_CTNETLINK << 8) | number });
export const IPCTNL_MSG_CT_NEW: MessageType = type("IPCTNL_MSG_CT_NEW", 0);
export const IPCTNL_MSG_CT_GET: MessageType = type("IPCTNL_MSG_CT_GET", 1);
export const IPCTNL_MSG_CT_DELETE: MessageType = type("IPCTNL_MSG_CT_DELETE", 2);

// table: enum ip_conntrack_status
export const connectionStatusNames = {
  IPS_EXPECTED: 0x1,
  IPS_SEEN_REPLY: 0x2,
  IPS_ASSURED: 0x4,
  IPS_CONFIRMED: 0x8,
  IPS_SRC_NAT: 0x10,
  IPS_DST_NAT: 0x20,
  IPS_SEQ_ADJUST: 0x40,
  IPS_SRC_NAT_DONE: 0x80,
  IPS_DST_NAT_DONE: 0x100,
  IPS_DYING: 0x200,
  IPS_FIXED_TIMEOUT: 0x400,
  IPS_TEMPLATE: 0x800,
  IPS_UNTRACKED: 0x1000,
  IPS_HELPER: 0x2000,
  IPS_OFFLOAD: 0x4000,
  IPS_HW_OFFLOAD: 0x8000,
} as const;

// table: IPPROTO_, linux/in.h, those with ports
export const connectionProtocols = {
  IPPROTO_ICMP: 1,
  IPPROTO_TCP: 6,
  IPPROTO_UDP: 17,
  IPPROTO_DCCP: 33,
  IPPROTO_ICMPV6: 58,
  IPPROTO_SCTP: 132,
  IPPROTO_UDPLITE: 136,
} as const;

interface WireTupleAddresses {
  readonly v4Source?: string;
  readonly v4Destination?: string;
  readonly v6Source?: string;
  readonly v6Destination?: string;
}

interface WireTupleProtocol {
  readonly number?: Choice<typeof connectionProtocols>;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmpId?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
  readonly icmpv6Id?: number;
  readonly icmpv6Type?: number;
  readonly icmpv6Code?: number;
}

interface WireTuple {
  readonly addresses?: WireTupleAddresses;
  readonly protocol?: WireTupleProtocol;
  readonly zone?: number;
}

export const tupleAddressAttributes: AttributeTable<WireTupleAddresses> = new AttributeTable<WireTupleAddresses>(
  HEADER,
  {
    v4Source: attribute("CTA_IP_V4_SRC", 1, ipv4Address),
    v4Destination: attribute("CTA_IP_V4_DST", 2, ipv4Address),
    v6Source: attribute("CTA_IP_V6_SRC", 3, ipv6Address),
    v6Destination: attribute("CTA_IP_V6_DST", 4, ipv6Address),
  },
);

export const tupleProtocolAttributes: AttributeTable<WireTupleProtocol> = new AttributeTable<WireTupleProtocol>(
  HEADER,
  {
    number: attribute("CTA_PROTO_NUM", 1, choice(u8, connectionProtocols)),
    sourcePort: attribute("CTA_PROTO_SRC_PORT", 2, be16),
    destinationPort: attribute("CTA_PROTO_DST_PORT", 3, be16),
    icmpId: attribute("CTA_PROTO_ICMP_ID", 4, be16),
    icmpType: attribute("CTA_PROTO_ICMP_TYPE", 5, u8),
    icmpCode: attribute("CTA_PROTO_ICMP_CODE", 6, u8),
    icmpv6Id: attribute("CTA_PROTO_ICMPV6_ID", 7, be16),
    icmpv6Type: attribute("CTA_PROTO_ICMPV6_TYPE", 8, u8),
    icmpv6Code: attribute("CTA_PROTO_ICMPV6_CODE", 9, u8),
  },
);

export const tupleAttributes: AttributeTable<WireTuple> = new AttributeTable<WireTuple>(HEADER, {
  addresses: nested("CTA_TUPLE_IP", 1, tupleAddressAttributes),
  protocol: nested("CTA_TUPLE_PROTO", 2, tupleProtocolAttributes),
  zone: attribute("CTA_TUPLE_ZONE", 3, be16),
});

/** `CTA_COUNTERS_`: present when the kernel counts (net.netfilter.nf_conntrack_acct). */
export interface ConnectionCounters {
  readonly packets?: bigint;
  readonly bytes?: bigint;
}

export const connectionCounters: AttributeTable<ConnectionCounters> = new AttributeTable<ConnectionCounters>(HEADER, {
  packets: attribute("CTA_COUNTERS_PACKETS", 1, be64),
  bytes: attribute("CTA_COUNTERS_BYTES", 2, be64),
});

interface WireConnection {
  readonly original?: WireTuple;
  readonly reply?: WireTuple;
  readonly status?: FlagNames<typeof connectionStatusNames>;
  readonly timeoutSeconds?: number;
  readonly mark?: number;
  readonly originalCounters?: ConnectionCounters;
  readonly replyCounters?: ConnectionCounters;
  readonly use?: number;
  readonly id?: number;
  readonly zone?: number;
}

export const connectionBody: Body<NetfilterHeader, WireConnection> = new Body(
  netfilterHeader,
  new AttributeTable<WireConnection>(HEADER, {
    original: nested("CTA_TUPLE_ORIG", 1, tupleAttributes),
    reply: nested("CTA_TUPLE_REPLY", 2, tupleAttributes),
    status: attribute("CTA_STATUS", 3, flagNames(be32, connectionStatusNames)),
    timeoutSeconds: attribute("CTA_TIMEOUT", 7, be32),
    mark: attribute("CTA_MARK", 8, be32),
    originalCounters: nested("CTA_COUNTERS_ORIG", 9, connectionCounters),
    replyCounters: nested("CTA_COUNTERS_REPLY", 10, connectionCounters),
    use: attribute("CTA_USE", 11, be32),
    id: attribute("CTA_ID", 12, be32),
    zone: attribute("CTA_ZONE", 18, be16),
  }),
);

/** One direction of a connection: where its packets come from and go to. */
export interface ConnectionTuple {
  readonly protocol: Choice<typeof connectionProtocols>;
  readonly source: string;
  readonly destination: string;
  /** Absent for protocols without ports. */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** Instead of ports, for ICMP and ICMPv6. */
  readonly icmp?: { readonly id: number; readonly type: number; readonly code: number };
}

/** A connection that the kernel tracks. */
export interface Connection {
  /** As its first packet was, before any translation. */
  readonly original: ConnectionTuple;
  /** As answers are. With destination translation, its source is where the packets really go. */
  readonly reply: ConnectionTuple;
  readonly status: FlagNames<typeof connectionStatusNames>;
  readonly timeoutSeconds?: number;
  readonly mark?: number;
  readonly originalCounters?: ConnectionCounters;
  readonly replyCounters?: ConnectionCounters;
  readonly id?: number;
  readonly zone: number;
}

/** Every tracked connection of one IP version, or of both. */
export function listConnections(family: "ip" | "ip6" | "unspecified" = "unspecified"): NetlinkRequest<Connection> {
  return dumpRequest({
    operation: "list connections",
    object: "",
    type: IPCTNL_MSG_CT_GET,
    write: (to) => connectionBody.write({ family }, to),
    decode: decodeConnection,
  });
}

/**
 * Forgets a connection: its next packet is treated as a first one. `id`, when given, guards against a newer connection
 * with the same tuple. Not-found (ENOENT) when it is gone already.
 */
export function deleteConnection(
  connection: Pick<Connection, "original"> & Partial<Pick<Connection, "id" | "zone">>,
): NetlinkRequest {
  const { original, id, zone = 0 } = connection;
  const value = {
    family: parseIpAddress(original.source).version === 4 ? ("ip" as const) : ("ip6" as const),
    original: wireTuple(original),
    ...(id === undefined ? {} : { id }),
    ...(zone === 0 ? {} : { zone }),
  };
  return changeRequest({
    operation: "delete connection",
    object: describeTuple(original),
    type: IPCTNL_MSG_CT_DELETE,
    write: (to) => connectionBody.write(value, to),
  });
}

/** A published port. */
export interface PortMapping {
  readonly protocol: ConnectionTuple["protocol"];
  /** The address that clients use; left out, any. */
  readonly hostAddress?: string;
  readonly hostPort: number;
  readonly containerAddress: string;
  readonly containerPort: number;
}

/** Whether a connection came through a port mapping: what must be deleted when the mapping goes. */
export function isOfPortMapping(connection: Connection, mapping: PortMapping): boolean {
  const { original, reply } = connection;
  return (
    original.protocol === mapping.protocol &&
    original.destinationPort === mapping.hostPort &&
    (mapping.hostAddress === undefined || original.destination === mapping.hostAddress) &&
    reply.source === mapping.containerAddress &&
    reply.sourcePort === mapping.containerPort
  );
}

/** Decodes an IPCTNL_MSG_CT_NEW. Throws OrlopError("invalid"). */
export function decodeConnection(message: NetlinkMessage): Connection {
  const wire = decodeBody(message, [IPCTNL_MSG_CT_NEW, IPCTNL_MSG_CT_DELETE], connectionBody);
  const { original, reply, status, zone, family: _, version: __, resource: ___, use: ____, ...rest } = wire;
  return {
    ...rest,
    original: decodeTuple(original ?? {}),
    reply: decodeTuple(reply ?? {}),
    status: status ?? [],
    zone: zone ?? 0,
  };
}

function decodeTuple(tuple: WireTuple): ConnectionTuple {
  const { addresses = {}, protocol = {} } = tuple;
  const { sourcePort, destinationPort } = protocol;
  const [id, kind, code] = [
    protocol.icmpId ?? protocol.icmpv6Id,
    protocol.icmpType ?? protocol.icmpv6Type ?? 0,
    protocol.icmpCode ?? protocol.icmpv6Code ?? 0,
  ];
  return {
    protocol: protocol.number ?? 0,
    source: addresses.v4Source ?? addresses.v6Source ?? "",
    destination: addresses.v4Destination ?? addresses.v6Destination ?? "",
    ...(sourcePort === undefined ? {} : { sourcePort }),
    ...(destinationPort === undefined ? {} : { destinationPort }),
    ...(id === undefined ? {} : { icmp: { id, type: kind, code } }),
  };
}

function wireTuple(tuple: ConnectionTuple): WireTuple {
  const { protocol, source, destination, sourcePort, destinationPort, icmp } = tuple;
  const v4 = parseIpAddress(source).version === 4;
  return {
    addresses: v4 ? { v4Source: source, v4Destination: destination } : { v6Source: source, v6Destination: destination },
    protocol: {
      number: protocol,
      ...(sourcePort === undefined ? {} : { sourcePort }),
      ...(destinationPort === undefined ? {} : { destinationPort }),
      ...(icmp === undefined ? {} : wireIcmp(icmp, v4)),
    },
  };
}

function wireIcmp(icmp: { id: number; type: number; code: number }, v4: boolean): WireTupleProtocol {
  return v4
    ? { icmpType: icmp.type, icmpCode: icmp.code, icmpId: icmp.id }
    : { icmpv6Type: icmp.type, icmpv6Code: icmp.code, icmpv6Id: icmp.id };
}

function describeTuple(tuple: ConnectionTuple): string {
  const end = (address: string, port: number | undefined): string =>
    port === undefined ? address : address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  return `${end(tuple.source, tuple.sourcePort)} to ${end(tuple.destination, tuple.destinationPort)}`;
}
