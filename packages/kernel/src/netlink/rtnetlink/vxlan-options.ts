import { AttributeTable, attribute } from "../attributes.ts";
import { be16, be32, boolean8, u8, u32 } from "../integers.ts";
import { ipv4Address, ipv6Address } from "../ip-address.ts";
import { field, Layout } from "../layout.ts";
import { presence } from "../raw-bytes.ts";

/** `struct ifla_vxlan_port_range`: UDP source ports, both ends included. */
export interface VxlanPortRange {
  readonly low: number;
  readonly high: number;
}

export const vxlanPortRange: Layout<VxlanPortRange> = new Layout<VxlanPortRange>({
  struct: "ifla_vxlan_port_range",
  header: "linux/if_link.h",
  size: 4,
  fields: { low: field("low", be16, 0, 2), high: field("high", be16, 2, 2) },
});

/** `IFLA_INFO_DATA` of kind `vxlan`. `group`/`local` are IPv4, `group6`/`local6` IPv6: a tunnel has one version. */
export interface VxlanOptions {
  /** The network identifier, 24 bits. */
  readonly id?: number;
  /** Remote peer or multicast group. */
  readonly group?: string;
  readonly group6?: string;
  readonly local?: string;
  readonly local6?: string;
  /** Interface index of the device below. */
  readonly link?: number;
  /** UDP destination port; the kernel's own default is 8472, IANA's 4789. */
  readonly port?: number;
  readonly portRange?: VxlanPortRange;
  readonly ttl?: number;
  readonly ttlInherit?: true;
  readonly tos?: number;
  readonly flowLabel?: number;
  /** 0 never, 1 always, 2 as the inner packet: the outer don't-fragment bit. */
  readonly dontFragment?: number;
  readonly learning?: boolean;
  readonly ageingSeconds?: number;
  /** Most addresses that are learned; 0 for no bound. */
  readonly addressesMax?: number;
  readonly proxy?: boolean;
  readonly routeShortCircuit?: boolean;
  readonly l2miss?: boolean;
  readonly l3miss?: boolean;
  readonly udpChecksum?: boolean;
  readonly udpZeroChecksum6Transmit?: boolean;
  readonly udpZeroChecksum6Receive?: boolean;
  readonly groupBasedPolicy?: true;
  /** Tunnel parameters come with each packet (`external`). */
  readonly collectMetadata?: boolean;
}

export const vxlanOptions: AttributeTable<VxlanOptions> = new AttributeTable<VxlanOptions>("linux/if_link.h", {
  id: attribute("IFLA_VXLAN_ID", 1, u32),
  group: attribute("IFLA_VXLAN_GROUP", 2, ipv4Address),
  link: attribute("IFLA_VXLAN_LINK", 3, u32),
  local: attribute("IFLA_VXLAN_LOCAL", 4, ipv4Address),
  ttl: attribute("IFLA_VXLAN_TTL", 5, u8),
  tos: attribute("IFLA_VXLAN_TOS", 6, u8),
  learning: attribute("IFLA_VXLAN_LEARNING", 7, boolean8),
  ageingSeconds: attribute("IFLA_VXLAN_AGEING", 8, u32),
  addressesMax: attribute("IFLA_VXLAN_LIMIT", 9, u32),
  portRange: attribute("IFLA_VXLAN_PORT_RANGE", 10, vxlanPortRange),
  proxy: attribute("IFLA_VXLAN_PROXY", 11, boolean8),
  routeShortCircuit: attribute("IFLA_VXLAN_RSC", 12, boolean8),
  l2miss: attribute("IFLA_VXLAN_L2MISS", 13, boolean8),
  l3miss: attribute("IFLA_VXLAN_L3MISS", 14, boolean8),
  port: attribute("IFLA_VXLAN_PORT", 15, be16),
  group6: attribute("IFLA_VXLAN_GROUP6", 16, ipv6Address),
  local6: attribute("IFLA_VXLAN_LOCAL6", 17, ipv6Address),
  udpChecksum: attribute("IFLA_VXLAN_UDP_CSUM", 18, boolean8),
  udpZeroChecksum6Transmit: attribute("IFLA_VXLAN_UDP_ZERO_CSUM6_TX", 19, boolean8),
  udpZeroChecksum6Receive: attribute("IFLA_VXLAN_UDP_ZERO_CSUM6_RX", 20, boolean8),
  groupBasedPolicy: attribute("IFLA_VXLAN_GBP", 23, presence),
  collectMetadata: attribute("IFLA_VXLAN_COLLECT_METADATA", 25, boolean8),
  flowLabel: attribute("IFLA_VXLAN_LABEL", 26, be32),
  ttlInherit: attribute("IFLA_VXLAN_TTL_INHERIT", 28, presence),
  dontFragment: attribute("IFLA_VXLAN_DF", 29, u8),
});
