import { type Choice, choice } from "./choices.ts";
import { be16, u8 } from "./integers.ts";
import { field, Layout } from "./layout.ts";

// table: NFPROTO_, linux/netfilter.h, under the names that nft(8) has for them
export const netfilterFamilies = {
  unspecified: 0,
  inet: 1,
  ip: 2,
  arp: 3,
  netdev: 5,
  bridge: 7,
  ip6: 10,
} as const;

/** Which packets: `inet` is IPv4 and IPv6 together. */
export type NetfilterFamily = Choice<typeof netfilterFamilies>;

/** `struct nfgenmsg`, which begins every message to and from nfnetlink. */
export interface NetfilterHeader {
  readonly family: NetfilterFamily;
  /** `NFNETLINK_V0` */
  readonly version: number;
  /** Generation, low 16 bits, in answers of nftables; the subsystem in a batch's frame. */
  readonly resource: number;
}

export const netfilterHeader: Layout<NetfilterHeader> = new Layout<NetfilterHeader>({
  struct: "nfgenmsg",
  header: "linux/netfilter/nfnetlink.h",
  size: 4,
  fields: {
    family: field("nfgen_family", choice(u8, netfilterFamilies), 0, 1),
    version: field("version", u8, 1, 1),
    resource: field("res_id", be16, 2, 2),
  },
});
