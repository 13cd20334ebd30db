import { AttributeTable, attribute } from "../attributes.ts";
import { hardwareAddress } from "../hardware-address.ts";
import { boolean8, u8, u16, u32, u64 } from "../integers.ts";
import { presence } from "../raw-bytes.ts";
import { type EthernetProtocol, ethernetProtocol } from "./ethernet-protocol.ts";

/** `IFLA_INFO_DATA` of kind `bridge`. Times are in hundredths of a second (USER_HZ), as the kernel counts them here. */
export interface BridgeOptions {
  readonly forwardDelayCentiseconds?: number;
  readonly helloTimeCentiseconds?: number;
  readonly maxAgeCentiseconds?: number;
  readonly ageingTimeCentiseconds?: number;
  /** 0 off, 1 the kernel's spanning tree, 2 one in user space. */
  readonly stpState?: number;
  readonly priority?: number;
  readonly vlanFiltering?: boolean;
  readonly vlanProtocol?: EthernetProtocol;
  readonly vlanDefaultPvid?: number;
  readonly vlanStatistics?: boolean;
  readonly vlanStatisticsPerPort?: boolean;
  /** Link-local groups 01:80:c2:00:00:0X that are forwarded, one bit each. */
  readonly groupForwardMask?: number;
  readonly groupAddress?: string;
  /** Forgets every learned address when set. */
  readonly flushForwardingEntries?: true;
  readonly multicastRouter?: number;
  readonly multicastSnooping?: boolean;
  readonly multicastQuerier?: boolean;
  readonly multicastQueryUsesInterfaceAddress?: boolean;
  readonly multicastStatistics?: boolean;
  readonly multicastHashElasticity?: number;
  readonly multicastHashMax?: number;
  readonly multicastLastMemberCount?: number;
  readonly multicastStartupQueryCount?: number;
  readonly multicastLastMemberIntervalCentiseconds?: bigint;
  readonly multicastMembershipIntervalCentiseconds?: bigint;
  readonly multicastQuerierIntervalCentiseconds?: bigint;
  readonly multicastQueryIntervalCentiseconds?: bigint;
  readonly multicastQueryResponseIntervalCentiseconds?: bigint;
  readonly multicastStartupQueryIntervalCentiseconds?: bigint;
  readonly multicastIgmpVersion?: number;
  readonly multicastMldVersion?: number;
  /** Bridged packets pass iptables (needs br_netfilter). */
  readonly callIptables?: boolean;
  readonly callIp6tables?: boolean;
  readonly callArptables?: boolean;
}

export const bridgeOptions: AttributeTable<BridgeOptions> = new AttributeTable<BridgeOptions>("linux/if_link.h", {
  forwardDelayCentiseconds: attribute("IFLA_BR_FORWARD_DELAY", 1, u32),
  helloTimeCentiseconds: attribute("IFLA_BR_HELLO_TIME", 2, u32),
  maxAgeCentiseconds: attribute("IFLA_BR_MAX_AGE", 3, u32),
  ageingTimeCentiseconds: attribute("IFLA_BR_AGEING_TIME", 4, u32),
  stpState: attribute("IFLA_BR_STP_STATE", 5, u32),
  priority: attribute("IFLA_BR_PRIORITY", 6, u16),
  vlanFiltering: attribute("IFLA_BR_VLAN_FILTERING", 7, boolean8),
  vlanProtocol: attribute("IFLA_BR_VLAN_PROTOCOL", 8, ethernetProtocol),
  groupForwardMask: attribute("IFLA_BR_GROUP_FWD_MASK", 9, u16),
  groupAddress: attribute("IFLA_BR_GROUP_ADDR", 20, hardwareAddress),
  flushForwardingEntries: attribute("IFLA_BR_FDB_FLUSH", 21, presence),
  multicastRouter: attribute("IFLA_BR_MCAST_ROUTER", 22, u8),
  multicastSnooping: attribute("IFLA_BR_MCAST_SNOOPING", 23, boolean8),
  multicastQueryUsesInterfaceAddress: attribute("IFLA_BR_MCAST_QUERY_USE_IFADDR", 24, boolean8),
  multicastQuerier: attribute("IFLA_BR_MCAST_QUERIER", 25, boolean8),
  multicastHashElasticity: attribute("IFLA_BR_MCAST_HASH_ELASTICITY", 26, u32),
  multicastHashMax: attribute("IFLA_BR_MCAST_HASH_MAX", 27, u32),
  multicastLastMemberCount: attribute("IFLA_BR_MCAST_LAST_MEMBER_CNT", 28, u32),
  multicastStartupQueryCount: attribute("IFLA_BR_MCAST_STARTUP_QUERY_CNT", 29, u32),
  multicastLastMemberIntervalCentiseconds: attribute("IFLA_BR_MCAST_LAST_MEMBER_INTVL", 30, u64),
  multicastMembershipIntervalCentiseconds: attribute("IFLA_BR_MCAST_MEMBERSHIP_INTVL", 31, u64),
  multicastQuerierIntervalCentiseconds: attribute("IFLA_BR_MCAST_QUERIER_INTVL", 32, u64),
  multicastQueryIntervalCentiseconds: attribute("IFLA_BR_MCAST_QUERY_INTVL", 33, u64),
  multicastQueryResponseIntervalCentiseconds: attribute("IFLA_BR_MCAST_QUERY_RESPONSE_INTVL", 34, u64),
  multicastStartupQueryIntervalCentiseconds: attribute("IFLA_BR_MCAST_STARTUP_QUERY_INTVL", 35, u64),
  callIptables: attribute("IFLA_BR_NF_CALL_IPTABLES", 36, boolean8),
  callIp6tables: attribute("IFLA_BR_NF_CALL_IP6TABLES", 37, boolean8),
  callArptables: attribute("IFLA_BR_NF_CALL_ARPTABLES", 38, boolean8),
  vlanDefaultPvid: attribute("IFLA_BR_VLAN_DEFAULT_PVID", 39, u16),
  vlanStatistics: attribute("IFLA_BR_VLAN_STATS_ENABLED", 41, boolean8),
  multicastStatistics: attribute("IFLA_BR_MCAST_STATS_ENABLED", 42, boolean8),
  multicastIgmpVersion: attribute("IFLA_BR_MCAST_IGMP_VERSION", 43, u8),
  multicastMldVersion: attribute("IFLA_BR_MCAST_MLD_VERSION", 44, u8),
  vlanStatisticsPerPort: attribute("IFLA_BR_VLAN_STATS_PER_PORT", 45, boolean8),
});
