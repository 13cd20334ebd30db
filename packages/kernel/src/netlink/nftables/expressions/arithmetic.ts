import { AttributeTable, attribute, nested } from "../../attributes.ts";
import { type Choice, choice } from "../../choices.ts";
import { be32 } from "../../integers.ts";
import { type Data, data } from "../data.ts";

// table: enum nft_bitwise_ops and nft_byteorder_ops, linux/netfilter/nf_tables.h
export const bitwiseOperators = { maskXor: 0, leftShift: 1, rightShift: 2 } as const;
export const byteOrderOperators = { networkToHost: 0, hostToNetwork: 1 } as const;

/** `dreg = (sreg & mask) ^ xor`, or a shift by `data`. */
export interface Bitwise {
  readonly sreg?: number;
  readonly dreg?: number;
  /** Bytes. */
  readonly length?: number;
  readonly mask?: Data;
  readonly xor?: Data;
  readonly operator?: Choice<typeof bitwiseOperators>;
  readonly data?: Data;
}

export const bitwise: AttributeTable<Bitwise> = new AttributeTable<Bitwise>("linux/netfilter/nf_tables.h", {
  sreg: attribute("NFTA_BITWISE_SREG", 1, be32),
  dreg: attribute("NFTA_BITWISE_DREG", 2, be32),
  length: attribute("NFTA_BITWISE_LEN", 3, be32),
  mask: nested("NFTA_BITWISE_MASK", 4, data),
  xor: nested("NFTA_BITWISE_XOR", 5, data),
  operator: attribute("NFTA_BITWISE_OP", 6, choice(be32, bitwiseOperators)),
  data: nested("NFTA_BITWISE_DATA", 7, data),
});

/** Turns the bytes of each group of `size` around: the kernel compares ranges of host-order values in network order. */
export interface ByteOrder {
  readonly sreg?: number;
  readonly dreg?: number;
  readonly operator?: Choice<typeof byteOrderOperators>;
  readonly length?: number;
  readonly size?: number;
}

export const byteOrder: AttributeTable<ByteOrder> = new AttributeTable<ByteOrder>("linux/netfilter/nf_tables.h", {
  sreg: attribute("NFTA_BYTEORDER_SREG", 1, be32),
  dreg: attribute("NFTA_BYTEORDER_DREG", 2, be32),
  operator: attribute("NFTA_BYTEORDER_OP", 3, choice(be32, byteOrderOperators)),
  length: attribute("NFTA_BYTEORDER_LEN", 4, be32),
  size: attribute("NFTA_BYTEORDER_SIZE", 5, be32),
});

/** Puts a constant into a register; a verdict into `NFT_REG_VERDICT` ends the rule. */
export interface Immediate {
  readonly dreg?: number;
  readonly data?: Data;
}

export const immediate: AttributeTable<Immediate> = new AttributeTable<Immediate>("linux/netfilter/nf_tables.h", {
  dreg: attribute("NFTA_IMMEDIATE_DREG", 1, be32),
  data: nested("NFTA_IMMEDIATE_DATA", 2, data),
});
