import { OrlopError } from "@orlop/core";
import { type DataTypeName, dataTypes } from "../data-types.ts";
import type { Expression } from "../expression.ts";
import type { conntrackDirections, conntrackKeys } from "../expressions/conntrack-field.ts";
import type { fibFlagNames } from "../expressions/fib.ts";
import type { metaKeys } from "../expressions/meta.ts";
import type { payloadBases } from "../expressions/payload.ts";
import { NFT_REG_1 } from "../register.ts";
import type { RuleContext, Statement } from "../rule-context.ts";
import { Field } from "./field.ts";

// The fields of nft(8) that we have, under its names.

function metaField(name: string, key: keyof typeof metaKeys, type: DataTypeName, settable = false): Field {
  return new Field({
    name,
    type,
    load: (dreg) => ({ kind: "meta", data: { key, dreg } }),
    require: () => [],
    ...(settable ? { store: (sreg: number): Expression => ({ kind: "meta", data: { key, sreg } }) } : {}),
  });
}

/** What the kernel knows beside the packet. */
export const meta: Readonly<
  Record<
    | "iifname"
    | "oifname"
    | "iif"
    | "oif"
    | "iiftype"
    | "mark"
    | "l4proto"
    | "nfproto"
    | "protocol"
    | "pkttype"
    | "skuid"
    | "skgid"
    | "ibrname"
    | "obrname",
    Field
  >
> = {
  iifname: metaField("meta iifname", "iifname", "ifname"),
  oifname: metaField("meta oifname", "oifname", "ifname"),
  iif: metaField("meta iif", "iif", "iface_index"),
  oif: metaField("meta oif", "oif", "iface_index"),
  iiftype: metaField("meta iiftype", "iiftype", "iface_type"),
  mark: metaField("meta mark", "mark", "mark", true),
  l4proto: metaField("meta l4proto", "l4proto", "inet_proto"),
  nfproto: metaField("meta nfproto", "nfproto", "nf_proto"),
  protocol: metaField("meta protocol", "protocol", "ether_type"),
  pkttype: metaField("meta pkttype", "pkttype", "pkt_type", true),
  skuid: metaField("meta skuid", "skuid", "uid"),
  skgid: metaField("meta skgid", "skgid", "gid"),
  ibrname: metaField("meta ibrname", "bri_iifname", "ifname"),
  obrname: metaField("meta obrname", "bri_oifname", "ifname"),
};

type Direction = keyof typeof conntrackDirections;

function conntrack(name: string, key: keyof typeof conntrackKeys, type: DataTypeName, settable = false): Field {
  return new Field({
    name: `ct ${name}`,
    type,
    load: (dreg) => ({ kind: "ct", data: { key, dreg } }),
    require: () => [],
    ...(settable ? { store: (sreg: number): Expression => ({ kind: "ct", data: { key, sreg } }) } : {}),
  });
}

function tupleField(direction: Direction, name: string, key: keyof typeof conntrackKeys, type: DataTypeName): Field {
  return new Field({
    name: `ct ${direction} ${name}`,
    type,
    load: (dreg) => ({ kind: "ct", data: { key, dreg, direction } }),
    require: () => [],
  });
}

/** The packet's addresses before translation (`original`), or those of answers (`reply`). */
export interface TupleFields {
  readonly ipSaddr: Field;
  readonly ipDaddr: Field;
  readonly ip6Saddr: Field;
  readonly ip6Daddr: Field;
  readonly protoSrc: Field;
  readonly protoDst: Field;
}

function tuple(direction: Direction): TupleFields {
  return {
    ipSaddr: tupleField(direction, "ip saddr", "src_ip", "ipv4_addr"),
    ipDaddr: tupleField(direction, "ip daddr", "dst_ip", "ipv4_addr"),
    ip6Saddr: tupleField(direction, "ip6 saddr", "src_ip6", "ipv6_addr"),
    ip6Daddr: tupleField(direction, "ip6 daddr", "dst_ip6", "ipv6_addr"),
    protoSrc: tupleField(direction, "proto-src", "proto_src", "inet_service"),
    protoDst: tupleField(direction, "proto-dst", "proto_dst", "inet_service"),
  };
}

/** What conntrack knows of the packet's connection. */
export const ct: {
  readonly state: Field;
  readonly status: Field;
  readonly mark: Field;
  readonly direction: Field;
  readonly original: TupleFields;
  readonly reply: TupleFields;
} = {
  state: conntrack("state", "state", "ct_state"),
  status: conntrack("status", "status", "ct_status"),
  mark: conntrack("mark", "mark", "mark", true),
  direction: conntrack("direction", "direction", "ct_dir"),
  original: tuple("original"),
  reply: tuple("reply"),
};

type Requirement = (context: RuleContext) => readonly Expression[];

/** The check that the packet is IPv4 or IPv6, which tables of one IP version need not make. */
function network(version: "ip" | "ip6"): Requirement {
  return (context) => {
    if (context.family === version) return [];
    if (context.family === "inet") return meta.nfproto.ensure(context, version === "ip" ? "ipv4" : "ipv6");
    if (context.family === "bridge" || context.family === "netdev") return meta.protocol.ensure(context, version);
    throw new OrlopError(
      "invalid",
      `Cannot match "${version}": no such packet comes into a table of family ${context.family}`,
      {
        operation: "encode rule",
      },
    );
  };
}

function transport(protocol: string): Requirement {
  return (context) => meta.l4proto.ensure(context, protocol);
}

/** In families that see packets of any link, that the link is Ethernet. */
const ethernet: Requirement = (context) =>
  context.family === "bridge" || context.family === "netdev" ? [] : meta.iiftype.ensure(context, ARPHRD_ETHER);

const ARPHRD_ETHER = 1;

type PayloadPlace = readonly [base: keyof typeof payloadBases, offset: number];

function payload(name: string, [base, offset]: PayloadPlace, type: DataTypeName, require: Requirement): Field {
  const load = (dreg: number, length: number): Expression => ({
    kind: "payload",
    data: { dreg, base, offset, length },
  });
  return new Field({ name, type, load: (dreg) => load(dreg, dataTypes[type].sizeBytes), loadStart: load, require });
}

/** Ethernet header. */
export const ether: Readonly<Record<"daddr" | "saddr" | "type", Field>> = {
  daddr: payload("ether daddr", ["link", 0], "ether_addr", ethernet),
  saddr: payload("ether saddr", ["link", 6], "ether_addr", ethernet),
  type: payload("ether type", ["link", 12], "ether_type", ethernet),
};

/** IPv4 header. */
export const ip: Readonly<Record<"protocol" | "saddr" | "daddr", Field>> = {
  protocol: payload("ip protocol", ["network", 9], "inet_proto", network("ip")),
  saddr: payload("ip saddr", ["network", 12], "ipv4_addr", network("ip")),
  daddr: payload("ip daddr", ["network", 16], "ipv4_addr", network("ip")),
};

/** IPv6 header. `nexthdr` is the first header's; `meta.l4proto` looks past extension headers. */
export const ip6: Readonly<Record<"nexthdr" | "saddr" | "daddr", Field>> = {
  nexthdr: payload("ip6 nexthdr", ["network", 6], "inet_proto", network("ip6")),
  saddr: payload("ip6 saddr", ["network", 8], "ipv6_addr", network("ip6")),
  daddr: payload("ip6 daddr", ["network", 24], "ipv6_addr", network("ip6")),
};

/** Ports of a transport protocol. */
export interface PortFields {
  readonly sport: Field;
  readonly dport: Field;
}

function ports(name: string, require: Requirement): PortFields {
  return {
    sport: payload(`${name} sport`, ["transport", 0], "inet_service", require),
    dport: payload(`${name} dport`, ["transport", 2], "inet_service", require),
  };
}

export const tcp: PortFields & { readonly flags: Field } = {
  ...ports("tcp", transport("tcp")),
  flags: payload("tcp flags", ["transport", 13], "tcp_flag", transport("tcp")),
};
export const udp: PortFields = ports("udp", transport("udp"));
export const sctp: PortFields = ports("sctp", transport("sctp"));
/** Ports of whatever transport protocol it is: check `meta.l4proto` first. */
export const th: PortFields = ports("th", () => []);

export const icmp: Readonly<Record<"type", Field>> = {
  type: payload("icmp type", ["transport", 0], "icmp_type", (context) => [
    ...network("ip")(context),
    ...transport("icmp")(context),
  ]),
};
export const icmpv6: Readonly<Record<"type", Field>> = {
  type: payload("icmpv6 type", ["transport", 0], "icmpv6_type", (context) => [
    ...network("ip6")(context),
    ...transport("icmpv6")(context),
  ]),
};

/** What `fib` looks at. */
export type FibKey = "saddr" | "daddr" | "mark" | "iif" | "oif";

const FIB_FLAGS: Readonly<Record<FibKey, keyof typeof fibFlagNames>> = {
  saddr: "NFTA_FIB_F_SADDR",
  daddr: "NFTA_FIB_F_DADDR",
  mark: "NFTA_FIB_F_MARK",
  iif: "NFTA_FIB_F_IIF",
  oif: "NFTA_FIB_F_OIF",
};

/** What the routing tables say: `fib(["daddr"], "type").is("local")` for packets to an address of this machine. */
export function fib(keys: readonly FibKey[], result: "type" | "oif"): Field {
  const flags = keys.map((key) => FIB_FLAGS[key]);
  return new Field({
    name: `fib ${keys.join(" . ")} ${result}`,
    type: result === "type" ? "fib_addrtype" : "iface_index",
    load: (dreg) => ({ kind: "fib", data: { flags, result, dreg } }),
    require: () => [],
  });
}

/** No route: with `saddr` and `iif`, answers to the packet would leave by another interface than it came (`oif missing`). */
export function fibMissing(keys: readonly FibKey[]): Statement {
  const flags = [...keys.map((key) => FIB_FLAGS[key]), "NFTA_FIB_F_PRESENT"] as const;
  return () => [
    { kind: "fib", data: { flags, result: "oif", dreg: NFT_REG_1 } },
    { kind: "cmp", data: { sreg: NFT_REG_1, operator: "eq", data: { value: new Uint8Array(4) } } },
  ];
}
