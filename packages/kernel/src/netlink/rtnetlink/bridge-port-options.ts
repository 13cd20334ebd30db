import { AttributeTable, attribute } from "../attributes.ts";
import { type Choice, choice } from "../choices.ts";
import { boolean8, u8, u16, u32 } from "../integers.ts";
import { presence } from "../raw-bytes.ts";

// table: linux/if_bridge.h
export const bridgePortStates = {
  BR_STATE_DISABLED: 0,
  BR_STATE_LISTENING: 1,
  BR_STATE_LEARNING: 2,
  BR_STATE_FORWARDING: 3,
  BR_STATE_BLOCKING: 4,
} as const;

/** Options of one port of a bridge (`IFLA_PROTINFO` under AF_BRIDGE, `IFLA_INFO_SLAVE_DATA` otherwise). */
export interface BridgePortOptions {
  readonly state?: Choice<typeof bridgePortStates>;
  readonly priority?: number;
  readonly cost?: number;
  /** Frames may leave through the port on which they came: a container reaches itself by its published port. */
  readonly hairpin?: boolean;
  /** No spanning-tree messages are taken (`guard`). */
  readonly bpduGuard?: boolean;
  /** The port never becomes the root port (`root_block`). */
  readonly rootBlock?: boolean;
  readonly fastLeave?: boolean;
  readonly learning?: boolean;
  readonly unicastFlood?: boolean;
  readonly multicastFlood?: boolean;
  readonly broadcastFlood?: boolean;
  readonly multicastToUnicast?: boolean;
  readonly proxyArp?: boolean;
  readonly neighbourSuppression?: boolean;
  readonly vlanTunnel?: boolean;
  /** Isolated ports reach only ports that are not isolated. */
  readonly isolated?: boolean;
  /** Only known stations may send. Linux 5.18. */
  readonly locked?: boolean;
  readonly multicastRouter?: number;
  /** Interface index of the port that takes over when this one loses its carrier. */
  readonly backupPort?: number;
  readonly flushForwardingEntries?: true;
}

export const bridgePortOptions: AttributeTable<BridgePortOptions> = new AttributeTable<BridgePortOptions>(
  "linux/if_link.h",
  {
    state: attribute("IFLA_BRPORT_STATE", 1, choice(u8, bridgePortStates)),
    priority: attribute("IFLA_BRPORT_PRIORITY", 2, u16),
    cost: attribute("IFLA_BRPORT_COST", 3, u32),
    hairpin: attribute("IFLA_BRPORT_MODE", 4, boolean8),
    bpduGuard: attribute("IFLA_BRPORT_GUARD", 5, boolean8),
    rootBlock: attribute("IFLA_BRPORT_PROTECT", 6, boolean8),
    fastLeave: attribute("IFLA_BRPORT_FAST_LEAVE", 7, boolean8),
    learning: attribute("IFLA_BRPORT_LEARNING", 8, boolean8),
    unicastFlood: attribute("IFLA_BRPORT_UNICAST_FLOOD", 9, boolean8),
    proxyArp: attribute("IFLA_BRPORT_PROXYARP", 10, boolean8),
    flushForwardingEntries: attribute("IFLA_BRPORT_FLUSH", 24, presence),
    multicastRouter: attribute("IFLA_BRPORT_MULTICAST_ROUTER", 25, u8),
    multicastFlood: attribute("IFLA_BRPORT_MCAST_FLOOD", 27, boolean8),
    multicastToUnicast: attribute("IFLA_BRPORT_MCAST_TO_UCAST", 28, boolean8),
    vlanTunnel: attribute("IFLA_BRPORT_VLAN_TUNNEL", 29, boolean8),
    broadcastFlood: attribute("IFLA_BRPORT_BCAST_FLOOD", 30, boolean8),
    neighbourSuppression: attribute("IFLA_BRPORT_NEIGH_SUPPRESS", 32, boolean8),
    isolated: attribute("IFLA_BRPORT_ISOLATED", 33, boolean8),
    backupPort: attribute("IFLA_BRPORT_BACKUP_PORT", 34, u32),
    locked: attribute("IFLA_BRPORT_LOCKED", 39, boolean8),
  },
);
