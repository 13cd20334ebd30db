import { type Choice, choice } from "../choices.ts";
import type { FixedCodec } from "../codec.ts";
import { u8 } from "../integers.ts";
import type { IpAddress } from "../ip-address.ts";

// table: linux/socket.h
export const addressFamilies = { AF_UNSPEC: 0, AF_INET: 2, AF_BRIDGE: 7, AF_INET6: 10, AF_PACKET: 17 } as const;
export type AddressFamily = Choice<typeof addressFamilies>;
export const addressFamily: FixedCodec<AddressFamily> = choice(u8, addressFamilies);

export function familyOf(address: IpAddress): "AF_INET" | "AF_INET6" {
  return address.version === 4 ? "AF_INET" : "AF_INET6";
}
