import { type Choice, choice } from "../choices.ts";
import type { FixedCodec } from "../codec.ts";
import { be16 } from "../integers.ts";

// table: linux/if_ether.h, those that links and rules name
export const ethernetProtocols = {
  ETH_P_IP: 0x0800,
  ETH_P_ARP: 0x0806,
  ETH_P_8021Q: 0x8100,
  ETH_P_IPV6: 0x86dd,
  ETH_P_8021AD: 0x88a8,
} as const;
export type EthernetProtocol = Choice<typeof ethernetProtocols>;
export const ethernetProtocol: FixedCodec<EthernetProtocol> = choice(be16, ethernetProtocols);
