import { type AttributeRows, attribute, listOf } from "../attributes.ts";
import { type Choice, choice, type FlagNames, flagNames } from "../choices.ts";
import type { FixedCodec } from "../codec.ts";
import { hardwareAddress } from "../hardware-address.ts";
import { boolean8, s32, u8, u16, u32 } from "../integers.ts";
import { field, Layout } from "../layout.ts";
import { alternativeNameMaxBytes, interfaceAliasMaxBytes, interfaceNameMaxBytes } from "../limits.ts";
import { plainText, terminatedText } from "../text.ts";
import { type AddressFamily, addressFamily } from "./address-family.ts";
import { type LinkStatistics, linkStatistics } from "./link-statistics.ts";

// table: enum net_device_flags, linux/if.h
export const interfaceFlagNames = {
  IFF_UP: 0x1,
  IFF_BROADCAST: 0x2,
  IFF_DEBUG: 0x4,
  IFF_LOOPBACK: 0x8,
  IFF_POINTOPOINT: 0x10,
  IFF_NOTRAILERS: 0x20,
  IFF_RUNNING: 0x40,
  IFF_NOARP: 0x80,
  IFF_PROMISC: 0x100,
  IFF_ALLMULTI: 0x200,
  IFF_MASTER: 0x400,
  IFF_SLAVE: 0x800,
  IFF_MULTICAST: 0x1000,
  IFF_PORTSEL: 0x2000,
  IFF_AUTOMEDIA: 0x4000,
  IFF_DYNAMIC: 0x8000,
  IFF_LOWER_UP: 0x1_0000,
  IFF_DORMANT: 0x2_0000,
  IFF_ECHO: 0x4_0000,
} as const;
export type InterfaceFlags = FlagNames<typeof interfaceFlagNames>;
const interfaceFlags: FixedCodec<InterfaceFlags> = flagNames(u32, interfaceFlagNames);

// table: linux/if_arp.h, the types that a container host meets
export const hardwareTypes = {
  ARPHRD_ETHER: 1,
  ARPHRD_TUNNEL: 768,
  ARPHRD_TUNNEL6: 769,
  ARPHRD_LOOPBACK: 772,
  ARPHRD_SIT: 776,
  ARPHRD_IPGRE: 778,
  ARPHRD_IP6GRE: 823,
  ARPHRD_NONE: 0xfffe,
} as const;

// table: linux/if.h
export const operationalStates = {
  IF_OPER_UNKNOWN: 0,
  IF_OPER_NOTPRESENT: 1,
  IF_OPER_DOWN: 2,
  IF_OPER_LOWERLAYERDOWN: 3,
  IF_OPER_TESTING: 4,
  IF_OPER_DORMANT: 5,
  IF_OPER_UP: 6,
} as const;

// table: RTEXT_FILTER_, linux/rtnetlink.h
export const extendedFilterNames = {
  RTEXT_FILTER_VF: 1,
  RTEXT_FILTER_BRVLAN: 2,
  RTEXT_FILTER_BRVLAN_COMPRESSED: 4,
  RTEXT_FILTER_SKIP_STATS: 8,
} as const;

/** `struct ifinfomsg`. */
export interface LinkHeader {
  readonly family: AddressFamily;
  readonly hardwareType: Choice<typeof hardwareTypes>;
  /** Interface index; 0 where a name says which, or where a new link gets the next free one. */
  readonly index: number;
  readonly flags: InterfaceFlags;
  /** Which of `flags` a request changes. */
  readonly change: InterfaceFlags;
}

export const linkHeader: Layout<LinkHeader> = new Layout<LinkHeader>({
  struct: "ifinfomsg",
  header: "linux/rtnetlink.h",
  size: 16,
  fields: {
    family: field("ifi_family", addressFamily, 0, 1),
    hardwareType: field("ifi_type", choice(u16, hardwareTypes), 2, 2),
    index: field("ifi_index", s32, 4, 4),
    flags: field("ifi_flags", interfaceFlags, 8, 4),
    change: field("ifi_change", interfaceFlags, 12, 4),
  },
  padding: [[1, 1]],
});

/** Attributes that every kind of link has, the peer of a veth included. */
export interface BasicLinkAttributes {
  readonly address?: string;
  readonly broadcast?: string;
  readonly name?: string;
  readonly mtu?: number;
  /** Interface index of the device that this one stands on, or of a veth's peer, in the namespace `linkNetnsId`. */
  readonly link?: number;
  readonly queueingDiscipline?: string;
  /** Interface index of the bridge or bond that this is a port of; 0 takes it out. */
  readonly master?: number;
  readonly transmitQueueLength?: number;
  readonly operationalState?: Choice<typeof operationalStates>;
  readonly linkMode?: number;
  /** The network namespace of a process, by pid: where the link goes. */
  readonly netnsPid?: number;
  /** The network namespace behind a descriptor of the sender: where the link goes. */
  readonly netnsFd?: number;
  readonly alias?: string;
  readonly statistics?: LinkStatistics;
  readonly group?: number;
  readonly extendedMask?: FlagNames<typeof extendedFilterNames>;
  readonly promiscuity?: number;
  readonly transmitQueues?: number;
  readonly receiveQueues?: number;
  readonly carrier?: boolean;
  readonly carrierChanges?: number;
  /** The namespace of `link`, as this one numbers others. */
  readonly linkNetnsId?: number;
  readonly newNetnsId?: number;
  /** The request is about the namespace with this number. */
  readonly targetNetnsId?: number;
  readonly newIndex?: number;
  readonly mtuMin?: number;
  readonly mtuMax?: number;
  readonly alternativeNames?: readonly string[];
  /** Asks for a link by one of its alternative names. */
  readonly alternativeName?: string;
  readonly permanentAddress?: string;
}

/** `IFLA_PROP_LIST | NLA_F_NESTED`: the only nest of this family that has always carried the flag. */
const NESTED = 0x8000;

export const basicLinkRows: AttributeRows<BasicLinkAttributes> = {
  address: attribute("IFLA_ADDRESS", 1, hardwareAddress),
  broadcast: attribute("IFLA_BROADCAST", 2, hardwareAddress),
  name: attribute("IFLA_IFNAME", 3, terminatedText(interfaceNameMaxBytes)),
  mtu: attribute("IFLA_MTU", 4, u32),
  link: attribute("IFLA_LINK", 5, u32),
  queueingDiscipline: attribute("IFLA_QDISC", 6, terminatedText(interfaceNameMaxBytes)),
  master: attribute("IFLA_MASTER", 10, u32),
  transmitQueueLength: attribute("IFLA_TXQLEN", 13, u32),
  operationalState: attribute("IFLA_OPERSTATE", 16, choice(u8, operationalStates)),
  linkMode: attribute("IFLA_LINKMODE", 17, u8),
  netnsPid: attribute("IFLA_NET_NS_PID", 19, u32),
  alias: attribute("IFLA_IFALIAS", 20, plainText(interfaceAliasMaxBytes)),
  statistics: attribute("IFLA_STATS64", 23, linkStatistics),
  group: attribute("IFLA_GROUP", 27, u32),
  netnsFd: attribute("IFLA_NET_NS_FD", 28, u32),
  extendedMask: attribute("IFLA_EXT_MASK", 29, flagNames(u32, extendedFilterNames)),
  promiscuity: attribute("IFLA_PROMISCUITY", 30, u32),
  transmitQueues: attribute("IFLA_NUM_TX_QUEUES", 31, u32),
  receiveQueues: attribute("IFLA_NUM_RX_QUEUES", 32, u32),
  carrier: attribute("IFLA_CARRIER", 33, boolean8),
  carrierChanges: attribute("IFLA_CARRIER_CHANGES", 35, u32),
  linkNetnsId: attribute("IFLA_LINK_NETNSID", 37, s32),
  newNetnsId: attribute("IFLA_NEW_NETNSID", 45, s32),
  targetNetnsId: attribute("IFLA_TARGET_NETNSID", 46, s32),
  newIndex: attribute("IFLA_NEW_IFINDEX", 49, s32),
  mtuMin: attribute("IFLA_MIN_MTU", 50, u32),
  mtuMax: attribute("IFLA_MAX_MTU", 51, u32),
  alternativeNames: attribute(
    "IFLA_PROP_LIST",
    52,
    listOf("IFLA_ALT_IFNAME", 53, terminatedText(alternativeNameMaxBytes)),
    NESTED,
  ),
  alternativeName: attribute("IFLA_ALT_IFNAME", 53, terminatedText(alternativeNameMaxBytes)),
  permanentAddress: attribute("IFLA_PERM_ADDRESS", 54, hardwareAddress),
};
