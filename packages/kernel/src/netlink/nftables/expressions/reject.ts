import { AttributeTable, attribute } from "../../attributes.ts";
import { type Choice, choice } from "../../choices.ts";
import { be32, u8 } from "../../integers.ts";

// table: enum nft_reject_types and nft_reject_inet_code, linux/netfilter/nf_tables.h
export const rejectTypes = { icmp: 0, tcpReset: 1, icmpx: 2 } as const;
export const rejectCodes = { noRoute: 0, portUnreachable: 1, hostUnreachable: 2, adminProhibited: 3 } as const;

/** Drops the packet and tells its sender. */
export interface Reject {
  readonly type?: Choice<typeof rejectTypes>;
  /** With `icmpx` one of `rejectCodes`, for both IP versions; with `icmp` the code of ICMP or ICMPv6 itself. */
  readonly code?: number;
}

export const reject: AttributeTable<Reject> = new AttributeTable<Reject>("linux/netfilter/nf_tables.h", {
  type: attribute("NFTA_REJECT_TYPE", 1, choice(be32, rejectTypes)),
  code: attribute("NFTA_REJECT_ICMP_CODE", 2, u8),
});
