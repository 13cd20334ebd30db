import { OrlopError } from "@orlop/core";
import { ByteReader } from "../byte-reader.ts";
import { ByteWriter } from "../byte-writer.ts";
import { choice, flagNames, type NameTable } from "../choices.ts";
import type { Codec, FixedCodec } from "../codec.ts";
import { formatHardwareAddress, parseHardwareAddress } from "../hardware-address.ts";
import { be16, u8, u16, u32 } from "../integers.ts";
import { ipv4Address, ipv6Address } from "../ip-address.ts";
import { interfaceNameMaxBytes } from "../limits.ts";
import { terminatedText } from "../text.ts";
import { conntrackDirections } from "./expressions/conntrack-field.ts";

// Values as nft(8) types them. The kernel sees bytes only; the number of a type is nft's own, kept with a set so that
// `nft list ruleset` can print it.

// table: enum ip_conntrack_info and enum ip_conntrack_status, linux/netfilter/nf_conntrack_common.h, as nft names them
export const conntrackStates = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 } as const;
export const conntrackStatuses = {
  expected: 0x1,
  "seen-reply": 0x2,
  assured: 0x4,
  confirmed: 0x8,
  snat: 0x10,
  dnat: 0x20,
  dying: 0x200,
} as const;

// table: IPPROTO_, linux/in.h, as nft names them
export const ipProtocols = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  sctp: 132,
  udplite: 136,
} as const;
// table: ETH_P_, linux/if_ether.h, as nft names them
export const etherTypes = { ip: 0x0800, arp: 0x0806, vlan: 0x8100, ip6: 0x86dd } as const;
export const networkProtocols = { ipv4: 2, ipv6: 10 } as const;
// table: PACKET_, linux/if_packet.h, as nft names them
export const packetTypes = { host: 0, broadcast: 1, multicast: 2, other: 3 } as const;
// table: RTN_, linux/rtnetlink.h, as nft names them
export const fibAddressTypes = {
  unspec: 0,
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
} as const;
// table: linux/icmp.h, as nft names them
export const icmpTypes = {
  "echo-reply": 0,
  "destination-unreachable": 3,
  redirect: 5,
  "echo-request": 8,
  "router-advertisement": 9,
  "router-solicitation": 10,
  "time-exceeded": 11,
  "parameter-problem": 12,
} as const;
// table: linux/icmpv6.h, as nft names them
export const icmpv6Types = {
  "destination-unreachable": 1,
  "packet-too-big": 2,
  "time-exceeded": 3,
  "parameter-problem": 4,
  "echo-request": 128,
  "echo-reply": 129,
  "mld-listener-query": 130,
  "nd-router-solicit": 133,
  "nd-router-advert": 134,
  "nd-neighbor-solicit": 135,
  "nd-neighbor-advert": 136,
  "nd-redirect": 137,
} as const;
// table: linux/tcp.h, as nft names them
export const tcpFlagNames = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ecn: 64, cwr: 128 } as const;

/** A value as callers write it: text for addresses and names, a number, or names of bits. */
export type DataValue = string | number | readonly string[];

export interface DataType {
  /** nft's number for it. */
  readonly id: number;
  readonly sizeBytes: number;
  readonly byteOrder: "network" | "host";
  /** What nft keeps with a set about it: 0 none, 1 host, 2 network. Single bytes have what nft's own tables say. */
  readonly nftByteOrder: number;
  readonly codec: Codec<DataValue>;
}

function type<T extends DataValue>(
  id: number,
  byteOrder: "network" | "host",
  codec: FixedCodec<T>,
  nftByteOrder: number = byteOrder === "host" ? 1 : 2,
): DataType {
  // Each codec refuses values that are not its own, so that widening what it accepts loses nothing.
  return { id, sizeBytes: codec.size, byteOrder, nftByteOrder, codec: codec as unknown as Codec<DataValue> };
}

function named(base: FixedCodec<number>, table: NameTable): FixedCodec<string | number> {
  return choice(base, table);
}

const etherAddress: FixedCodec<string> = {
  size: 6,
  write(value, to) {
    if (typeof value !== "string" || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(value)) {
      to.fail(`"${value}" is not an Ethernet address`);
    }
    to.append(parseHardwareAddress(value));
  },
  read: (from) => formatHardwareAddress(from.bytes),
};

const interfaceName: FixedCodec<string> = {
  size: interfaceNameMaxBytes,
  write(value, to) {
    const start = to.length;
    terminatedText(interfaceNameMaxBytes).write(value, to);
    to.zeros(interfaceNameMaxBytes - (to.length - start));
  },
  read: terminatedText(interfaceNameMaxBytes).read,
};

/** nft(8)'s names of types. */
export type DataTypeName =
  | "nf_proto"
  | "ipv4_addr"
  | "ipv6_addr"
  | "ether_addr"
  | "ether_type"
  | "inet_proto"
  | "inet_service"
  | "icmp_type"
  | "tcp_flag"
  | "mark"
  | "iface_index"
  | "iface_type"
  | "uid"
  | "gid"
  | "ct_state"
  | "ct_dir"
  | "ct_status"
  | "icmpv6_type"
  | "pkt_type"
  | "fib_addrtype"
  | "boolean"
  | "ifname";

// table: enum datatypes of nft(8); the order of bytes is that of the field in packet or kernel
export const dataTypes: Readonly<Record<DataTypeName, DataType>> = {
  nf_proto: type(2, "host", named(u8, networkProtocols), 0),
  ipv4_addr: type(7, "network", ipv4Address),
  ipv6_addr: type(8, "network", ipv6Address),
  ether_addr: type(9, "network", etherAddress),
  ether_type: type(10, "network", named(be16, etherTypes)),
  inet_proto: type(12, "network", named(u8, ipProtocols), 0),
  inet_service: type(13, "network", be16),
  icmp_type: type(14, "network", named(u8, icmpTypes)),
  tcp_flag: type(15, "host", flagNames(u8, tcpFlagNames), 2),
  mark: type(19, "host", u32),
  iface_index: type(20, "host", u32),
  iface_type: type(21, "host", u16),
  uid: type(24, "host", u32),
  gid: type(25, "host", u32),
  ct_state: type(26, "host", flagNames(u32, conntrackStates)),
  ct_dir: type(27, "host", named(u8, conntrackDirections), 0),
  ct_status: type(28, "host", flagNames(u32, conntrackStatuses)),
  icmpv6_type: type(29, "network", named(u8, icmpv6Types)),
  pkt_type: type(31, "host", named(u8, packetTypes)),
  fib_addrtype: type(38, "host", named(u32, fibAddressTypes)),
  boolean: type(39, "host", u8, 0),
  ifname: type(41, "host", interfaceName),
};

/** nft's number of the type of verdicts, `NFT_DATA_VERDICT`. */
export const VERDICT_TYPE = 0xffff_ff00;

const NAMES_BY_ID = new Map<number, DataTypeName>(
  Object.entries(dataTypes).map(([name, { id }]) => [id, name as DataTypeName]),
);

/** The bytes of a value. Throws OrlopError("invalid") on a value that is not of the type. */
export function encodeValue(name: DataTypeName, value: DataValue): Uint8Array {
  const { codec } = dataTypes[name];
  const writer = new ByteWriter(name);
  if (typeof value !== "string" && typeof value !== "number" && !Array.isArray(value))
    writer.fail(`${value} is no value`);
  codec.write(value, writer);
  return writer.finish();
}

/** The value of bytes, at least as many as the type has. Throws OrlopError("invalid") on fewer. */
export function decodeValue(name: DataTypeName, bytes: Uint8Array): DataValue {
  const { codec, sizeBytes } = dataTypes[name];
  const reader = new ByteReader(bytes, name);
  if (bytes.length < sizeBytes) reader.fail(`it has ${bytes.length} bytes, not ${sizeBytes}`);
  return codec.read(reader.inner(name, 0, sizeBytes));
}

/** Fields of a concatenation begin at multiples of four bytes. */
export function paddedBytes(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 4) * 4;
}

/** nft's number for one type or a concatenation of several: six bits each. */
export function typeNumber(names: readonly DataTypeName[]): number {
  return names.reduce((number, name) => number * 64 + dataTypes[name].id, 0);
}

/** The types behind nft's number, or undefined when one of them is not ours. */
export function typesOfNumber(number: number): readonly DataTypeName[] | undefined {
  const names: DataTypeName[] = [];
  for (let rest = number; rest > 0; rest = Math.floor(rest / 64)) {
    const name = NAMES_BY_ID.get(rest % 64);
    if (name === undefined) return undefined;
    names.unshift(name);
  }
  return names.length === 0 ? undefined : names;
}

/** Bytes of a key or value made of these types: as it stands when there is one, each padded when there are several. */
export function concatenationBytes(names: readonly DataTypeName[]): number {
  const [first] = names;
  if (first === undefined) {
    throw new OrlopError("invalid", "Cannot encode nftables set: it has no key type", { operation: "encode set" });
  }
  if (names.length === 1) return dataTypes[first].sizeBytes;
  return names.reduce((sum, name) => sum + paddedBytes(dataTypes[name].sizeBytes), 0);
}
