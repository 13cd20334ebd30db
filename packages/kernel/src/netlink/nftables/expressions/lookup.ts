import { AttributeTable, attribute } from "../../attributes.ts";
import { type FlagNames, flagNames } from "../../choices.ts";
import { be32 } from "../../integers.ts";
import { nftablesNameMaxBytes } from "../../limits.ts";
import { terminatedText } from "../../text.ts";

// table: NFT_LOOKUP_F_, linux/netfilter/nf_tables.h
export const lookupFlagNames = { NFT_LOOKUP_F_INV: 1 } as const;

/**
 * The rule goes on when `sreg` is in the set (with NFT_LOOKUP_F_INV, when it is not). In a map, `dreg` gets the value;
 * `dreg` `NFT_REG_VERDICT` makes it a verdict.
 */
export interface Lookup {
  readonly set?: string;
  readonly sreg?: number;
  readonly dreg?: number;
  /** A set of the same batch, by the id that it was given there. */
  readonly setId?: number;
  readonly flags?: FlagNames<typeof lookupFlagNames>;
}

export const lookup: AttributeTable<Lookup> = new AttributeTable<Lookup>("linux/netfilter/nf_tables.h", {
  set: attribute("NFTA_LOOKUP_SET", 1, terminatedText(nftablesNameMaxBytes)),
  sreg: attribute("NFTA_LOOKUP_SREG", 2, be32),
  dreg: attribute("NFTA_LOOKUP_DREG", 3, be32),
  setId: attribute("NFTA_LOOKUP_SET_ID", 4, be32),
  flags: attribute("NFTA_LOOKUP_FLAGS", 5, flagNames(be32, lookupFlagNames)),
});
