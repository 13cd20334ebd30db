import { AttributeTable, attribute } from "../attributes.ts";
import { type Choice, choice } from "../choices.ts";
import { be32, beS32 } from "../integers.ts";
import { nftablesNameMaxBytes } from "../limits.ts";
import { terminatedText } from "../text.ts";

// table: enum nft_verdicts, linux/netfilter/nf_tables.h; NF_, linux/netfilter.h; words of nft(8)
export const verdictCodes = {
  drop: 0,
  accept: 1,
  queue: 3,
  continue: -1,
  break: -2,
  jump: -3,
  goto: -4,
  return: -5,
} as const;

/** What becomes of the packet. `chain` goes with `jump` and `goto`. */
export interface Verdict {
  readonly code?: Choice<typeof verdictCodes>;
  readonly chain?: string;
  /** A chain of the same batch, by the id that it was given there. */
  readonly chainId?: number;
}

export const verdict: AttributeTable<Verdict> = new AttributeTable<Verdict>("linux/netfilter/nf_tables.h", {
  code: attribute("NFTA_VERDICT_CODE", 1, choice(beS32, verdictCodes)),
  chain: attribute("NFTA_VERDICT_CHAIN", 2, terminatedText(nftablesNameMaxBytes)),
  chainId: attribute("NFTA_VERDICT_CHAIN_ID", 3, be32),
});
