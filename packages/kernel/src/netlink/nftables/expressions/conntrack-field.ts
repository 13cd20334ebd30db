import { AttributeTable, attribute } from "../../attributes.ts";
import { type Choice, choice } from "../../choices.ts";
import { be32, u8 } from "../../integers.ts";

// table: enum nft_ct_keys, linux/netfilter/nf_tables.h: NFT_CT_ and these in capitals
export const conntrackKeys = {
  state: 0,
  direction: 1,
  status: 2,
  mark: 3,
  secmark: 4,
  expiration: 5,
  helper: 6,
  l3protocol: 7,
  src: 8,
  dst: 9,
  protocol: 10,
  proto_src: 11,
  proto_dst: 12,
  labels: 13,
  pkts: 14,
  bytes: 15,
  avgpkt: 16,
  zone: 17,
  eventmask: 18,
  src_ip: 19,
  dst_ip: 20,
  src_ip6: 21,
  dst_ip6: 22,
  id: 23,
} as const;

// table: enum ip_conntrack_dir, linux/netfilter/nf_conntrack_tuple_common.h
export const conntrackDirections = { original: 0, reply: 1 } as const;

/** Loads what conntrack knows of the packet's connection into `dreg`, or sets it from `sreg`. */
export interface ConntrackField {
  readonly dreg?: number;
  readonly key?: Choice<typeof conntrackKeys>;
  readonly direction?: Choice<typeof conntrackDirections>;
  readonly sreg?: number;
}

export const conntrackField: AttributeTable<ConntrackField> = new AttributeTable<ConntrackField>(
  "linux/netfilter/nf_tables.h",
  {
    dreg: attribute("NFTA_CT_DREG", 1, be32),
    key: attribute("NFTA_CT_KEY", 2, choice(be32, conntrackKeys)),
    direction: attribute("NFTA_CT_DIRECTION", 3, choice(u8, conntrackDirections)),
    sreg: attribute("NFTA_CT_SREG", 4, be32),
  },
);
