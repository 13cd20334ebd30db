import { AttributeTable, attribute } from "../attributes.ts";
import { Body } from "../body.ts";
import { type Choice, choice } from "../choices.ts";
import { u8, u32 } from "../integers.ts";
import type { NetlinkMessage } from "../message.ts";
import { decodeBody } from "../request.ts";
import { type BasicLinkAttributes, basicLinkRows, type LinkHeader, linkHeader } from "./link-attributes.ts";
import { type LinkInfo, linkInfo } from "./link-kind.ts";
import { RTM_DELLINK, RTM_NEWLINK } from "./message-types.ts";

// table: enum in6_addr_gen_mode, linux/if_link.h
export const addressGenerationModes = {
  IN6_ADDR_GEN_MODE_EUI64: 0,
  IN6_ADDR_GEN_MODE_NONE: 1,
  IN6_ADDR_GEN_MODE_STABLE_PRIVACY: 2,
  IN6_ADDR_GEN_MODE_RANDOM: 3,
} as const;

/** What IPv6 keeps of a link (`IFLA_AF_SPEC`, AF_INET6). */
export interface LinkInet6 {
  readonly flags?: number;
  /** How link-local addresses come about; NONE: not at all. */
  readonly addressGenerationMode?: Choice<typeof addressGenerationModes>;
}

export const linkInet6: AttributeTable<LinkInet6> = new AttributeTable<LinkInet6>("linux/if_link.h", {
  flags: attribute("IFLA_INET6_FLAGS", 1, u32),
  addressGenerationMode: attribute("IFLA_INET6_ADDR_GEN_MODE", 8, choice(u8, addressGenerationModes)),
});

/** `IFLA_AF_SPEC` of a link: a nest for each protocol. */
export interface LinkProtocols {
  readonly inet6?: LinkInet6;
}

export const linkProtocols: AttributeTable<LinkProtocols> = new AttributeTable<LinkProtocols>("linux/if_link.h", {
  inet6: attribute("AF_INET6", 10, linkInet6),
});

export interface LinkAttributes extends BasicLinkAttributes {
  readonly info?: LinkInfo;
  readonly protocols?: LinkProtocols;
}

export const linkAttributes: AttributeTable<LinkAttributes> = new AttributeTable<LinkAttributes>("linux/if_link.h", {
  ...basicLinkRows,
  info: attribute("IFLA_LINKINFO", 18, linkInfo),
  protocols: attribute("IFLA_AF_SPEC", 26, linkProtocols),
});

/** A network interface, as the kernel describes it. */
export type Link = LinkHeader & LinkAttributes;

export const linkBody: Body<LinkHeader, LinkAttributes> = new Body(linkHeader, linkAttributes);

/** Decodes an RTM_NEWLINK (or the RTM_DELLINK that the kernel broadcasts). Throws OrlopError("invalid"). */
export function decodeLink(message: NetlinkMessage): Link {
  return decodeBody(message, [RTM_NEWLINK, RTM_DELLINK], linkBody);
}
