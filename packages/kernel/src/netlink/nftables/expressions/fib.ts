import { AttributeTable, attribute } from "../../attributes.ts";
import { type Choice, choice, type FlagNames, flagNames } from "../../choices.ts";
import { be32 } from "../../integers.ts";

// table: enum nft_fib_result and nft_fib_flags, linux/netfilter/nf_tables.h
export const fibResults = { oif: 1, oifname: 2, type: 3 } as const;
export const fibFlagNames = {
  NFTA_FIB_F_SADDR: 0x01,
  NFTA_FIB_F_DADDR: 0x02,
  NFTA_FIB_F_MARK: 0x04,
  NFTA_FIB_F_IIF: 0x08,
  NFTA_FIB_F_OIF: 0x10,
  NFTA_FIB_F_PRESENT: 0x20,
} as const;

/** Looks the packet's address up in the routing tables. `type` gives an RTN_ number in host order. */
export interface Fib {
  readonly dreg?: number;
  readonly result?: Choice<typeof fibResults>;
  readonly flags?: FlagNames<typeof fibFlagNames>;
}

export const fib: AttributeTable<Fib> = new AttributeTable<Fib>("linux/netfilter/nf_tables.h", {
  dreg: attribute("NFTA_FIB_DREG", 1, be32),
  result: attribute("NFTA_FIB_RESULT", 2, choice(be32, fibResults)),
  flags: attribute("NFTA_FIB_FLAGS", 3, flagNames(be32, fibFlagNames)),
});
