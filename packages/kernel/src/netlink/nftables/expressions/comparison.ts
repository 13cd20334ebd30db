import { AttributeTable, attribute, nested } from "../../attributes.ts";
import { type Choice, choice } from "../../choices.ts";
import { be32 } from "../../integers.ts";
import { type Data, data } from "../data.ts";

// table: enum nft_cmp_ops and nft_range_ops, linux/netfilter/nf_tables.h
export const comparisonOperators = { eq: 0, neq: 1, lt: 2, lte: 3, gt: 4, gte: 5 } as const;
export const rangeOperators = { eq: 0, neq: 1 } as const;

/** The rule goes on when register and constant compare so. Order is that of bytes in network order. */
export interface Comparison {
  readonly sreg?: number;
  readonly operator?: Choice<typeof comparisonOperators>;
  readonly data?: Data;
}

export const comparison: AttributeTable<Comparison> = new AttributeTable<Comparison>("linux/netfilter/nf_tables.h", {
  sreg: attribute("NFTA_CMP_SREG", 1, be32),
  operator: attribute("NFTA_CMP_OP", 2, choice(be32, comparisonOperators)),
  data: nested("NFTA_CMP_DATA", 3, data),
});

/** The rule goes on when the register lies between both ends, or with `neq` outside of them. */
export interface Range {
  readonly sreg?: number;
  readonly operator?: Choice<typeof rangeOperators>;
  readonly from?: Data;
  readonly to?: Data;
}

export const range: AttributeTable<Range> = new AttributeTable<Range>("linux/netfilter/nf_tables.h", {
  sreg: attribute("NFTA_RANGE_SREG", 1, be32),
  operator: attribute("NFTA_RANGE_OP", 2, choice(be32, rangeOperators)),
  from: nested("NFTA_RANGE_FROM_DATA", 3, data),
  to: nested("NFTA_RANGE_TO_DATA", 4, data),
});
