import { AttributeTable, attribute, nested, repeated } from "../attributes.ts";
import { Body } from "../body.ts";
import { type Choice, choice, type FlagNames, flagNames } from "../choices.ts";
import { u16, u32 } from "../integers.ts";
import { field, Layout } from "../layout.ts";
import { interfaceNameMaxBytes } from "../limits.ts";
import { changeRequest, decodeBody, dumpRequest, type NetlinkRequest } from "../request.ts";
import { terminatedText } from "../text.ts";
import { type BridgePortOptions, bridgePortOptions } from "./bridge-port-options.ts";
import { basicLinkRows, type extendedFilterNames, type LinkHeader, linkHeader } from "./link-attributes.ts";
import { RTM_DELLINK, RTM_GETLINK, RTM_NEWLINK, RTM_SETLINK } from "./message-types.ts";

// Links as the bridge sees them: the same messages with family AF_BRIDGE, and other contents in IFLA_AF_SPEC.

// table: BRIDGE_FLAGS_ and BRIDGE_VLAN_INFO_, linux/if_bridge.h
export const bridgeFlagNames = { BRIDGE_FLAGS_MASTER: 1, BRIDGE_FLAGS_SELF: 2 } as const;
export const bridgeVlanFlagNames = {
  BRIDGE_VLAN_INFO_MASTER: 0x1,
  BRIDGE_VLAN_INFO_PVID: 0x2,
  BRIDGE_VLAN_INFO_UNTAGGED: 0x4,
  BRIDGE_VLAN_INFO_RANGE_BEGIN: 0x8,
  BRIDGE_VLAN_INFO_RANGE_END: 0x10,
  BRIDGE_VLAN_INFO_BRENTRY: 0x20,
  BRIDGE_VLAN_INFO_ONLY_OPTS: 0x40,
} as const;
export const bridgeModes = { BRIDGE_MODE_VEB: 0, BRIDGE_MODE_VEPA: 1, BRIDGE_MODE_UNDEF: 0xffff } as const;

/** `struct bridge_vlan_info`. A range is two of them, with RANGE_BEGIN and RANGE_END. */
export interface BridgeVlan {
  readonly flags: FlagNames<typeof bridgeVlanFlagNames>;
  readonly id: number;
}

export const bridgeVlan: Layout<BridgeVlan> = new Layout<BridgeVlan>({
  struct: "bridge_vlan_info",
  header: "linux/if_bridge.h",
  size: 4,
  fields: { flags: field("flags", flagNames(u16, bridgeVlanFlagNames), 0, 2), id: field("vid", u16, 2, 2) },
});

/** `IFLA_AF_SPEC` under AF_BRIDGE. */
export interface BridgeSpecification {
  readonly flags?: FlagNames<typeof bridgeFlagNames>;
  readonly mode?: Choice<typeof bridgeModes>;
  readonly vlans?: readonly BridgeVlan[];
}

export const bridgeSpecification: AttributeTable<BridgeSpecification> = new AttributeTable<BridgeSpecification>(
  "linux/if_bridge.h",
  {
    flags: attribute("IFLA_BRIDGE_FLAGS", 0, flagNames(u16, bridgeFlagNames)),
    mode: attribute("IFLA_BRIDGE_MODE", 1, choice(u16, bridgeModes)),
    vlans: repeated("IFLA_BRIDGE_VLAN_INFO", 2, bridgeVlan),
  },
);

export interface BridgePortAttributes {
  readonly name?: string;
  readonly mtu?: number;
  readonly address?: string;
  readonly master?: number;
  readonly options?: BridgePortOptions;
  readonly specification?: BridgeSpecification;
  readonly extendedMask?: FlagNames<typeof extendedFilterNames>;
}

/** A port of a bridge, or the bridge itself as its own port for VLANs. */
export type BridgePort = LinkHeader & BridgePortAttributes;

export const bridgePortBody: Body<LinkHeader, BridgePortAttributes> = new Body(
  linkHeader,
  new AttributeTable<BridgePortAttributes>("linux/if_link.h", {
    address: basicLinkRows.address,
    name: attribute("IFLA_IFNAME", 3, terminatedText(interfaceNameMaxBytes)),
    mtu: attribute("IFLA_MTU", 4, u32),
    master: attribute("IFLA_MASTER", 10, u32),
    options: nested("IFLA_PROTINFO", 12, bridgePortOptions),
    specification: attribute("IFLA_AF_SPEC", 26, bridgeSpecification),
    extendedMask: basicLinkRows.extendedMask,
  }),
);

/** `bridge link set`: options of the port with this interface index. */
export function changeBridgePort(index: number, options: BridgePortOptions): NetlinkRequest {
  return changeRequest({
    operation: "change bridge port",
    object: `index ${index}`,
    type: RTM_SETLINK,
    write: (to) => bridgePortBody.write({ family: "AF_BRIDGE", index, options }, to),
  });
}

/** VLANs of a bridge port. */
export interface BridgePortVlans {
  /** Interface index of the port, or of the bridge with `self`. */
  readonly index: number;
  /** One id, or first and last of a range (both 1 to 4094). */
  readonly id: number | readonly [number, number];
  /** Untagged frames that come in belong to this VLAN. Not for ranges. */
  readonly pvid?: boolean;
  /** Frames of this VLAN leave untagged. */
  readonly untagged?: boolean;
  /** The entry is the bridge's own, not the port's. */
  readonly self?: boolean;
}

/** `bridge vlan add`. */
export function addBridgeVlans(vlans: BridgePortVlans): NetlinkRequest {
  return vlanRequest("add VLANs to bridge port", RTM_SETLINK, vlans);
}

/** `bridge vlan del`. */
export function deleteBridgeVlans(vlans: BridgePortVlans): NetlinkRequest {
  return vlanRequest("delete VLANs of bridge port", RTM_DELLINK, vlans);
}

function vlanRequest(operation: string, type: typeof RTM_SETLINK, vlans: BridgePortVlans): NetlinkRequest {
  const { index, id, pvid = false, untagged = false, self = false } = vlans;
  const entries = typeof id === "number" ? [vlanEntry(id, pvid, untagged)] : rangeEntries(id, pvid, untagged);
  return changeRequest({
    operation,
    object: `index ${index}`,
    type,
    write(to) {
      const outside = [id].flat().find((value) => !Number.isInteger(value) || value < 1 || value > 4094);
      if (outside !== undefined) to.fail(`VLAN ${outside} is not from 1 to 4094`);
      if (typeof id !== "number" && pvid) to.fail("a range of VLANs cannot be the port's own VLAN (pvid)");
      const specification = { ...(self ? { flags: ["BRIDGE_FLAGS_SELF"] as const } : {}), vlans: entries };
      bridgePortBody.write({ family: "AF_BRIDGE", index, specification }, to);
    },
  });
}

function vlanEntry(id: number, pvid: boolean, untagged: boolean): BridgeVlan {
  return {
    flags: [
      ...(pvid ? (["BRIDGE_VLAN_INFO_PVID"] as const) : []),
      ...(untagged ? (["BRIDGE_VLAN_INFO_UNTAGGED"] as const) : []),
    ],
    id,
  };
}

function rangeEntries([first, last]: readonly [number, number], pvid: boolean, untagged: boolean): BridgeVlan[] {
  const begin = vlanEntry(first, pvid, untagged);
  const end = vlanEntry(last, pvid, untagged);
  return [
    { ...begin, flags: [...begin.flags, "BRIDGE_VLAN_INFO_RANGE_BEGIN"] },
    { ...end, flags: [...end.flags, "BRIDGE_VLAN_INFO_RANGE_END"] },
  ];
}

/** Every bridge port of the namespace, with its options and VLANs. */
export function listBridgePorts(): NetlinkRequest<BridgePort> {
  return dumpRequest({
    operation: "list bridge ports",
    object: "",
    type: RTM_GETLINK,
    write: (to) => bridgePortBody.write({ family: "AF_BRIDGE", extendedMask: ["RTEXT_FILTER_BRVLAN"] }, to),
    decode: (message) => decodeBody(message, [RTM_NEWLINK], bridgePortBody),
  });
}
