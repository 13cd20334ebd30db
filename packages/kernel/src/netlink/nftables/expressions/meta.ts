import { AttributeTable, attribute } from "../../attributes.ts";
import { type Choice, choice } from "../../choices.ts";
import { be32 } from "../../integers.ts";

// table: enum nft_meta_keys, linux/netfilter/nf_tables.h: NFT_META_ and these in capitals
export const metaKeys = {
  len: 0,
  protocol: 1,
  priority: 2,
  mark: 3,
  iif: 4,
  oif: 5,
  iifname: 6,
  oifname: 7,
  iiftype: 8,
  oiftype: 9,
  skuid: 10,
  skgid: 11,
  nftrace: 12,
  rtclassid: 13,
  secmark: 14,
  nfproto: 15,
  l4proto: 16,
  bri_iifname: 17,
  bri_oifname: 18,
  pkttype: 19,
  cpu: 20,
  iifgroup: 21,
  oifgroup: 22,
  cgroup: 23,
  prandom: 24,
  secpath: 25,
  iifkind: 26,
  oifkind: 27,
  bri_iifpvid: 28,
  bri_iifvproto: 29,
  time_ns: 30,
  time_day: 31,
  time_hour: 32,
  sdif: 33,
  sdifname: 34,
} as const;

/** Loads what the kernel knows beside the packet into `dreg`, or sets it from `sreg`. */
export interface Meta {
  readonly dreg?: number;
  readonly key?: Choice<typeof metaKeys>;
  readonly sreg?: number;
}

export const meta: AttributeTable<Meta> = new AttributeTable<Meta>("linux/netfilter/nf_tables.h", {
  dreg: attribute("NFTA_META_DREG", 1, be32),
  key: attribute("NFTA_META_KEY", 2, choice(be32, metaKeys)),
  sreg: attribute("NFTA_META_SREG", 3, be32),
});
