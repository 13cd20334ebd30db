import { AttributeTable, attribute } from "../attributes.ts";
import { type Choice, choice, type FlagNames, flagNames } from "../choices.ts";
import { u16, u32 } from "../integers.ts";
import { field, Layout } from "../layout.ts";
import { type EthernetProtocol, ethernetProtocol } from "./ethernet-protocol.ts";

// Kinds of links that stand on another link (`IFLA_LINK`): vlan, macvlan, ipvlan. linux/if_link.h, linux/if_vlan.h.

// table: enum vlan_flags
export const vlanFlagNames = {
  VLAN_FLAG_REORDER_HDR: 0x1,
  VLAN_FLAG_GVRP: 0x2,
  VLAN_FLAG_LOOSE_BINDING: 0x4,
  VLAN_FLAG_MVRP: 0x8,
  VLAN_FLAG_BRIDGE_BINDING: 0x10,
} as const;
export type VlanFlags = FlagNames<typeof vlanFlagNames>;

/** `struct ifla_vlan_flags`: the flags of `mask` become those of `flags`. */
export interface VlanFlagChange {
  readonly flags: VlanFlags;
  readonly mask: VlanFlags;
}

export const vlanFlagChange: Layout<VlanFlagChange> = new Layout<VlanFlagChange>({
  struct: "ifla_vlan_flags",
  header: "linux/if_link.h",
  size: 8,
  fields: {
    flags: field("flags", flagNames(u32, vlanFlagNames), 0, 4),
    mask: field("mask", flagNames(u32, vlanFlagNames), 4, 4),
  },
});

export interface VlanOptions {
  readonly id?: number;
  readonly protocol?: EthernetProtocol;
  readonly flags?: VlanFlagChange;
}

export const vlanOptions: AttributeTable<VlanOptions> = new AttributeTable<VlanOptions>("linux/if_link.h", {
  id: attribute("IFLA_VLAN_ID", 1, u16),
  flags: attribute("IFLA_VLAN_FLAGS", 2, vlanFlagChange),
  protocol: attribute("IFLA_VLAN_PROTOCOL", 5, ethernetProtocol),
});

// table: enum macvlan_mode
export const macvlanModes = {
  MACVLAN_MODE_PRIVATE: 1,
  MACVLAN_MODE_VEPA: 2,
  MACVLAN_MODE_BRIDGE: 4,
  MACVLAN_MODE_PASSTHRU: 8,
  MACVLAN_MODE_SOURCE: 16,
} as const;
export const macvlanFlagNames = { MACVLAN_FLAG_NOPROMISC: 1, MACVLAN_FLAG_NODST: 2 } as const;

export interface MacvlanOptions {
  readonly mode?: Choice<typeof macvlanModes>;
  readonly flags?: FlagNames<typeof macvlanFlagNames>;
}

export const macvlanOptions: AttributeTable<MacvlanOptions> = new AttributeTable<MacvlanOptions>("linux/if_link.h", {
  mode: attribute("IFLA_MACVLAN_MODE", 1, choice(u32, macvlanModes)),
  flags: attribute("IFLA_MACVLAN_FLAGS", 2, flagNames(u16, macvlanFlagNames)),
});

// table: enum ipvlan_mode
export const ipvlanModes = { IPVLAN_MODE_L2: 0, IPVLAN_MODE_L3: 1, IPVLAN_MODE_L3S: 2 } as const;
export const ipvlanFlagNames = { IPVLAN_F_PRIVATE: 1, IPVLAN_F_VEPA: 2 } as const;

export interface IpvlanOptions {
  readonly mode?: Choice<typeof ipvlanModes>;
  readonly flags?: FlagNames<typeof ipvlanFlagNames>;
}

export const ipvlanOptions: AttributeTable<IpvlanOptions> = new AttributeTable<IpvlanOptions>("linux/if_link.h", {
  mode: attribute("IFLA_IPVLAN_MODE", 1, choice(u16, ipvlanModes)),
  flags: attribute("IFLA_IPVLAN_FLAGS", 2, flagNames(u16, ipvlanFlagNames)),
});
