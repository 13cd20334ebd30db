import { AttributeTable, attribute } from "../../attributes.ts";
import { type Choice, choice, type FlagNames, flagNames } from "../../choices.ts";
import { be32 } from "../../integers.ts";
import { type NetfilterFamily, netfilterFamilies } from "../../netfilter-header.ts";

// table: enum nft_nat_types, linux/netfilter/nf_tables.h; NF_NAT_RANGE_, linux/netfilter/nf_nat.h
export const translationTypes = { snat: 0, dnat: 1 } as const;
export const translationFlagNames = {
  NF_NAT_RANGE_MAP_IPS: 0x01,
  NF_NAT_RANGE_PROTO_SPECIFIED: 0x02,
  NF_NAT_RANGE_PROTO_RANDOM: 0x04,
  NF_NAT_RANGE_PERSISTENT: 0x08,
  NF_NAT_RANGE_PROTO_RANDOM_FULLY: 0x10,
  NF_NAT_RANGE_PROTO_OFFSET: 0x20,
  NF_NAT_RANGE_NETMAP: 0x40,
} as const;
export type TranslationFlags = FlagNames<typeof translationFlagNames>;

/** Source or destination translation (`nat`). Addresses and ports come from registers; a lone minimum is no range. */
export interface Translation {
  readonly type?: Choice<typeof translationTypes>;
  readonly family?: NetfilterFamily;
  readonly addressMin?: number;
  readonly addressMax?: number;
  readonly portMin?: number;
  readonly portMax?: number;
  readonly flags?: TranslationFlags;
}

export const translation: AttributeTable<Translation> = new AttributeTable<Translation>("linux/netfilter/nf_tables.h", {
  type: attribute("NFTA_NAT_TYPE", 1, choice(be32, translationTypes)),
  family: attribute("NFTA_NAT_FAMILY", 2, choice(be32, netfilterFamilies)),
  addressMin: attribute("NFTA_NAT_REG_ADDR_MIN", 3, be32),
  addressMax: attribute("NFTA_NAT_REG_ADDR_MAX", 4, be32),
  portMin: attribute("NFTA_NAT_REG_PROTO_MIN", 5, be32),
  portMax: attribute("NFTA_NAT_REG_PROTO_MAX", 6, be32),
  flags: attribute("NFTA_NAT_FLAGS", 7, flagNames(be32, translationFlagNames)),
});

/** Source translation to the address of the interface that the packet leaves by (`masq`). */
export interface Masquerade {
  readonly flags?: TranslationFlags;
  readonly portMin?: number;
  readonly portMax?: number;
}

export const masquerade: AttributeTable<Masquerade> = new AttributeTable<Masquerade>("linux/netfilter/nf_tables.h", {
  flags: attribute("NFTA_MASQ_FLAGS", 1, flagNames(be32, translationFlagNames)),
  portMin: attribute("NFTA_MASQ_REG_PROTO_MIN", 2, be32),
  portMax: attribute("NFTA_MASQ_REG_PROTO_MAX", 3, be32),
});

/** Destination translation to this machine (`redir`). */
export interface Redirect {
  readonly portMin?: number;
  readonly portMax?: number;
  readonly flags?: TranslationFlags;
}

export const redirect: AttributeTable<Redirect> = new AttributeTable<Redirect>("linux/netfilter/nf_tables.h", {
  portMin: attribute("NFTA_REDIR_REG_PROTO_MIN", 1, be32),
  portMax: attribute("NFTA_REDIR_REG_PROTO_MAX", 2, be32),
  flags: attribute("NFTA_REDIR_FLAGS", 3, flagNames(be32, translationFlagNames)),
});
