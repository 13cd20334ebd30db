import { AttributeTable, attribute } from "../attributes.ts";
import { Body } from "../body.ts";
import { choice, type FlagNames, flagNames } from "../choices.ts";
import { s32, u8, u32 } from "../integers.ts";
import { ipAddress } from "../ip-address.ts";
import { field, Layout } from "../layout.ts";
import { interfaceNameMaxBytes } from "../limits.ts";
import type { NetlinkMessage } from "../message.ts";
import { decodeBody } from "../request.ts";
import { terminatedText } from "../text.ts";
import { type AddressFamily, addressFamily } from "./address-family.ts";
import { RTM_DELADDR, RTM_NEWADDR } from "./message-types.ts";
import { type Scope, scopes } from "./scope.ts";

// table: IFA_F_, linux/if_addr.h
export const addressFlagNames = {
  IFA_F_SECONDARY: 0x1,
  IFA_F_NODAD: 0x2,
  IFA_F_OPTIMISTIC: 0x4,
  IFA_F_DADFAILED: 0x8,
  IFA_F_HOMEADDRESS: 0x10,
  IFA_F_DEPRECATED: 0x20,
  IFA_F_TENTATIVE: 0x40,
  IFA_F_PERMANENT: 0x80,
  IFA_F_MANAGETEMPADDR: 0x100,
  IFA_F_NOPREFIXROUTE: 0x200,
  IFA_F_MCAUTOJOIN: 0x400,
  IFA_F_STABLE_PRIVACY: 0x800,
} as const;
export type AddressFlags = FlagNames<typeof addressFlagNames>;

/** `struct ifaddrmsg`. Its flags are the lowest eight; `AddressAttributes.allFlags` holds all. */
export interface AddressHeader {
  readonly family: AddressFamily;
  readonly prefixLength: number;
  readonly lowFlags: AddressFlags;
  readonly scope: Scope;
  readonly index: number;
}

export const addressHeader: Layout<AddressHeader> = new Layout<AddressHeader>({
  struct: "ifaddrmsg",
  header: "linux/if_addr.h",
  size: 8,
  fields: {
    family: field("ifa_family", addressFamily, 0, 1),
    prefixLength: field("ifa_prefixlen", u8, 1, 1),
    lowFlags: field("ifa_flags", flagNames(u8, addressFlagNames), 2, 1),
    scope: field("ifa_scope", choice(u8, scopes), 3, 1),
    index: field("ifa_index", u32, 4, 4),
  },
});

/** `struct ifa_cacheinfo`. Lifetimes in seconds, 0xffffffff for ever; stamps in hundredths of seconds of uptime. */
export interface AddressLifetime {
  readonly preferredSeconds: number;
  readonly validSeconds: number;
  readonly createdCentiseconds: number;
  readonly updatedCentiseconds: number;
}

export const addressLifetime: Layout<AddressLifetime> = new Layout<AddressLifetime>({
  struct: "ifa_cacheinfo",
  header: "linux/if_addr.h",
  size: 16,
  fields: {
    preferredSeconds: field("ifa_prefered", u32, 0, 4),
    validSeconds: field("ifa_valid", u32, 4, 4),
    createdCentiseconds: field("cstamp", u32, 8, 4),
    updatedCentiseconds: field("tstamp", u32, 12, 4),
  },
});

export interface AddressAttributes {
  /** The peer's address where there is one; the own address otherwise. */
  readonly address?: string;
  readonly local?: string;
  readonly label?: string;
  readonly broadcast?: string;
  readonly anycast?: string;
  readonly lifetime?: AddressLifetime;
  readonly allFlags?: AddressFlags;
  readonly metric?: number;
  readonly targetNetnsId?: number;
  readonly protocol?: number;
}

export const addressBody: Body<AddressHeader, AddressAttributes> = new Body(
  addressHeader,
  new AttributeTable<AddressAttributes>("linux/if_addr.h", {
    address: attribute("IFA_ADDRESS", 1, ipAddress),
    local: attribute("IFA_LOCAL", 2, ipAddress),
    label: attribute("IFA_LABEL", 3, terminatedText(interfaceNameMaxBytes)),
    broadcast: attribute("IFA_BROADCAST", 4, ipAddress),
    anycast: attribute("IFA_ANYCAST", 5, ipAddress),
    lifetime: attribute("IFA_CACHEINFO", 6, addressLifetime),
    allFlags: attribute("IFA_FLAGS", 8, flagNames(u32, addressFlagNames)),
    metric: attribute("IFA_RT_PRIORITY", 9, u32),
    targetNetnsId: attribute("IFA_TARGET_NETNSID", 10, s32),
    protocol: attribute("IFA_PROTO", 11, u8),
  }),
);

/** An address of an interface. */
export interface Address {
  readonly family: AddressFamily;
  /** Of the interface that has it. */
  readonly index: number;
  /** The interface's own address, without prefix length. */
  readonly address: string;
  readonly prefixLength: number;
  /** The other end of a point-to-point link; `prefixLength` is then about it. */
  readonly peer?: string;
  readonly broadcast?: string;
  readonly label?: string;
  readonly scope: Scope;
  readonly flags: AddressFlags;
  /** Metric of the prefix route that the kernel adds. */
  readonly metric?: number;
  readonly lifetime?: AddressLifetime;
  /** Who added it: IFAPROT_ of linux/if_addr.h. */
  readonly protocol?: number;
}

/** Decodes an RTM_NEWADDR (or the RTM_DELADDR that the kernel broadcasts). Throws OrlopError("invalid"). */
export function decodeAddress(message: NetlinkMessage): Address {
  const { family, index, prefixLength, lowFlags, scope, ...rest } = decodeBody(
    message,
    [RTM_NEWADDR, RTM_DELADDR],
    addressBody,
  );
  const { address, local, allFlags, broadcast, label, metric, lifetime, protocol } = rest;
  const own = local ?? address ?? (family === "AF_INET6" ? "::" : "0.0.0.0");
  return {
    family,
    index,
    address: own,
    prefixLength,
    ...(address === undefined || address === own ? {} : { peer: address }),
    ...(broadcast === undefined ? {} : { broadcast }),
    ...(label === undefined ? {} : { label }),
    scope,
    flags: allFlags ?? lowFlags,
    ...(metric === undefined ? {} : { metric }),
    ...(lifetime === undefined ? {} : { lifetime }),
    ...(protocol === undefined ? {} : { protocol }),
  };
}
