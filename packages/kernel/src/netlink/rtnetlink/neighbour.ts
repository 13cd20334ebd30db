import { AttributeTable, attribute } from "../attributes.ts";
import { Body } from "../body.ts";
import { type Choice, choice, type FlagNames, flagNames } from "../choices.ts";
import { hardwareAddress } from "../hardware-address.ts";
import { be16, s32, u8, u16, u32 } from "../integers.ts";
import { ipAddress, parseIpAddress } from "../ip-address.ts";
import { field, Layout } from "../layout.ts";
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from "../message.ts";
import { changeRequest, decodeBody, dumpRequest, type MessageType, type NetlinkRequest } from "../request.ts";
import { type AddressFamily, addressFamily, familyOf } from "./address-family.ts";
import { RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH } from "./message-types.ts";
import { routeTypes } from "./route.ts";

// Neighbour entries (ARP, NDP) and, with family AF_BRIDGE, forwarding entries of bridges and vxlan. linux/neighbour.h.

// table: NUD_
export const neighbourStateNames = {
  NUD_INCOMPLETE: 0x01,
  NUD_REACHABLE: 0x02,
  NUD_STALE: 0x04,
  NUD_DELAY: 0x08,
  NUD_PROBE: 0x10,
  NUD_FAILED: 0x20,
  NUD_NOARP: 0x40,
  NUD_PERMANENT: 0x80,
} as const;
export type NeighbourState = FlagNames<typeof neighbourStateNames>;

// table: NTF_
export const neighbourFlagNames = {
  NTF_USE: 0x01,
  NTF_SELF: 0x02,
  NTF_MASTER: 0x04,
  NTF_PROXY: 0x08,
  NTF_EXT_LEARNED: 0x10,
  NTF_OFFLOADED: 0x20,
  NTF_STICKY: 0x40,
  NTF_ROUTER: 0x80,
} as const;
export type NeighbourFlags = FlagNames<typeof neighbourFlagNames>;

/** `struct ndmsg`. */
export interface NeighbourHeader {
  readonly family: AddressFamily;
  readonly index: number;
  readonly state: NeighbourState;
  readonly flags: NeighbourFlags;
  readonly type: Choice<typeof routeTypes>;
}

export interface NeighbourAttributes {
  readonly destination?: string;
  readonly hardwareAddress?: string;
  readonly probes?: number;
  readonly vlan?: number;
  /** UDP port of a vxlan peer. */
  readonly port?: number;
  /** Network identifier of a vxlan peer. */
  readonly vni?: number;
  /** Interface index through which a vxlan peer is reached. */
  readonly through?: number;
  readonly master?: number;
}

export type Neighbour = NeighbourHeader & NeighbourAttributes;

export const neighbourBody: Body<NeighbourHeader, NeighbourAttributes> = new Body(
  new Layout<NeighbourHeader>({
    struct: "ndmsg",
    header: "linux/neighbour.h",
    size: 12,
    fields: {
      family: field("ndm_family", addressFamily, 0, 1),
      index: field("ndm_ifindex", s32, 4, 4),
      state: field("ndm_state", flagNames(u16, neighbourStateNames), 8, 2),
      flags: field("ndm_flags", flagNames(u8, neighbourFlagNames), 10, 1),
      type: field("ndm_type", choice(u8, routeTypes), 11, 1),
    },
    padding: [[1, 3]],
  }),
  new AttributeTable<NeighbourAttributes>("linux/neighbour.h", {
    destination: attribute("NDA_DST", 1, ipAddress),
    hardwareAddress: attribute("NDA_LLADDR", 2, hardwareAddress),
    probes: attribute("NDA_PROBES", 4, u32),
    vlan: attribute("NDA_VLAN", 5, u16),
    port: attribute("NDA_PORT", 6, be16),
    vni: attribute("NDA_VNI", 7, u32),
    through: attribute("NDA_IFINDEX", 8, u32),
    master: attribute("NDA_MASTER", 9, u32),
  }),
);

/** An entry of the neighbour table. */
export interface NewNeighbour {
  readonly index: number;
  /** IPv4 or IPv6 address of the neighbour. */
  readonly address: string;
  /** Left out for a proxy entry: the interface answers for `address`. */
  readonly hardwareAddress?: string;
  /** Default `NUD_PERMANENT`. */
  readonly state?: NeighbourState;
  readonly flags?: NeighbourFlags;
}

/** `ip neigh add`; with `replace`, `ip neigh replace`. */
export function addNeighbour(entry: NewNeighbour, options: { readonly replace?: boolean } = {}): NetlinkRequest {
  const flags = NLM_F_CREATE | (options.replace === true ? NLM_F_REPLACE : NLM_F_EXCL);
  return neighbourRequest("add neighbour", RTM_NEWNEIGH, flags, entry);
}

/** `ip neigh del`. A proxy entry is deleted with its NTF_PROXY flag. */
export function deleteNeighbour(entry: Pick<NewNeighbour, "index" | "address" | "flags">): NetlinkRequest {
  return neighbourRequest("delete neighbour", RTM_DELNEIGH, 0, entry);
}

function neighbourRequest(operation: string, type: MessageType, flags: number, entry: NewNeighbour): NetlinkRequest {
  const address = parseIpAddress(entry.address);
  const value = {
    family: familyOf(address),
    index: entry.index,
    state: entry.state ?? (["NUD_PERMANENT"] as const),
    ...(entry.flags === undefined ? {} : { flags: entry.flags }),
    destination: entry.address,
    ...(entry.hardwareAddress === undefined ? {} : { hardwareAddress: entry.hardwareAddress }),
  };
  const object = entry.address;
  return changeRequest({ operation, object, type, flags, write: (to) => neighbourBody.write(value, to) });
}

/** A forwarding entry: behind which port, or at which vxlan peer, a station is. */
export interface ForwardingEntry {
  /** Interface index of the bridge port or of the vxlan device. */
  readonly index: number;
  readonly hardwareAddress: string;
  /** Whose table: the bridge's that the port belongs to (`NTF_MASTER`) or the device's own (`NTF_SELF`, for vxlan). */
  readonly table: "NTF_MASTER" | "NTF_SELF";
  /** Default `NUD_NOARP` and `NUD_PERMANENT`; with `NUD_REACHABLE` for the latter the station may move elsewhere. */
  readonly state?: NeighbourState;
  readonly vlan?: number;
  /** The vxlan peer. */
  readonly destination?: string;
  readonly port?: number;
  readonly vni?: number;
  readonly through?: number;
}

/** `bridge fdb add`; with `append`, one more peer for an address that has some. */
export function addForwardingEntry(
  entry: ForwardingEntry,
  options: { readonly append?: boolean } = {},
): NetlinkRequest {
  const flags = NLM_F_CREATE | (options.append === true ? NLM_F_APPEND : NLM_F_EXCL);
  return forwardingRequest("add forwarding entry", RTM_NEWNEIGH, flags, entry);
}

/** `bridge fdb del`. */
export function deleteForwardingEntry(entry: Omit<ForwardingEntry, "state">): NetlinkRequest {
  return forwardingRequest("delete forwarding entry", RTM_DELNEIGH, 0, entry);
}

function forwardingRequest(
  operation: string,
  type: MessageType,
  flags: number,
  entry: ForwardingEntry,
): NetlinkRequest {
  const { index, table, state = ["NUD_NOARP", "NUD_PERMANENT"], ...attributes } = entry;
  const value = { family: "AF_BRIDGE", index, state, flags: [table], ...attributes } as const;
  const object = entry.hardwareAddress;
  return changeRequest({ operation, object, type, flags, write: (to) => neighbourBody.write(value, to) });
}

/** Neighbour entries of one family, or all; AF_BRIDGE gives forwarding entries. */
export function listNeighbours(family: AddressFamily = "AF_UNSPEC"): NetlinkRequest<Neighbour> {
  return dumpRequest({
    operation: "list neighbours",
    object: "",
    type: RTM_GETNEIGH,
    write: (to) => neighbourBody.write({ family }, to),
    decode: (message) => decodeBody(message, [RTM_NEWNEIGH, RTM_DELNEIGH], neighbourBody),
  });
}
