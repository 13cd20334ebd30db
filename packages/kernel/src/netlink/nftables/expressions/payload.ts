import { AttributeTable, attribute } from "../../attributes.ts";
import { type Choice, choice } from "../../choices.ts";
import { be32 } from "../../integers.ts";

// table: enum nft_payload_bases and nft_payload_csum_types, linux/netfilter/nf_tables.h
export const payloadBases = { link: 0, network: 1, transport: 2, inner: 3 } as const;
export const payloadChecksums = { none: 0, inet: 1, sctp: 2 } as const;

/** Loads bytes of the packet into `dreg`, or writes `sreg` over them and mends a checksum. */
export interface Payload {
  readonly dreg?: number;
  readonly base?: Choice<typeof payloadBases>;
  /** Bytes from the start of the header. */
  readonly offset?: number;
  /** Bytes. */
  readonly length?: number;
  readonly sreg?: number;
  readonly checksum?: Choice<typeof payloadChecksums>;
  readonly checksumOffset?: number;
  /** 1: the transport checksum covers these bytes too (`NFT_PAYLOAD_L4CSUM_PSEUDOHDR`). */
  readonly checksumFlags?: number;
}

export const payload: AttributeTable<Payload> = new AttributeTable<Payload>("linux/netfilter/nf_tables.h", {
  dreg: attribute("NFTA_PAYLOAD_DREG", 1, be32),
  base: attribute("NFTA_PAYLOAD_BASE", 2, choice(be32, payloadBases)),
  offset: attribute("NFTA_PAYLOAD_OFFSET", 3, be32),
  length: attribute("NFTA_PAYLOAD_LEN", 4, be32),
  sreg: attribute("NFTA_PAYLOAD_SREG", 5, be32),
  checksum: attribute("NFTA_PAYLOAD_CSUM_TYPE", 6, choice(be32, payloadChecksums)),
  checksumOffset: attribute("NFTA_PAYLOAD_CSUM_OFFSET", 7, be32),
  checksumFlags: attribute("NFTA_PAYLOAD_CSUM_FLAGS", 8, be32),
});
