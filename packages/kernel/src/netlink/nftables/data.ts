import { AttributeTable, attribute, nested } from "../attributes.ts";
import { nftablesDataMaxBytes } from "../limits.ts";
import { rawBytes } from "../raw-bytes.ts";
import { type Verdict, verdict } from "./verdict.ts";

/** A constant: bytes for a data register, or a verdict for the verdict register. One of the two. */
export interface Data {
  readonly value?: Uint8Array;
  readonly verdict?: Verdict;
}

export const data: AttributeTable<Data> = new AttributeTable<Data>("linux/netfilter/nf_tables.h", {
  value: attribute("NFTA_DATA_VALUE", 1, rawBytes(nftablesDataMaxBytes)),
  verdict: nested("NFTA_DATA_VERDICT", 2, verdict),
});
