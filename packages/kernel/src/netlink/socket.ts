import { OrlopError } from "@orlop/core";
import { ByteWriter } from "./byte-writer.ts";
import { u16, u32 } from "./integers.ts";
import { field, Layout } from "./layout.ts";

// What whoever opens the socket has to know: linux/netlink.h, linux/socket.h.

export const AF_NETLINK = 16;
export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

/** Level of the options below for setsockopt(2). */
export const SOL_NETLINK = 270;
/** An error's echo holds only the header of the request: answers stay small. */
export const NETLINK_CAP_ACK = 10;
/** Errors carry a message and an offset; without it they are bare errno values. Linux 4.12. */
export const NETLINK_EXT_ACK = 11;
/** The kernel checks dump requests strictly and applies their filters (table, interface). Linux 4.20. */
export const NETLINK_GET_STRICT_CHK = 12;

/**
 * What to offer to recvfrom(2): the kernel fills dumps up to the largest buffer it has seen, at most 32 KiB, and a
 * smaller buffer loses the rest of a datagram.
 */
export const receiveBufferBytes = 65_536;

/** `struct sockaddr_nl`. */
export interface NetlinkSocketAddress {
  readonly family: number;
  /** 0 addresses the kernel; in bind(2) it lets the kernel choose. */
  readonly port: number;
  /** Multicast groups, one bit each. */
  readonly groups: number;
}

export const netlinkSocketAddress: Layout<NetlinkSocketAddress> = new Layout<NetlinkSocketAddress>({
  struct: "sockaddr_nl",
  header: "linux/netlink.h",
  size: 12,
  fields: {
    family: field("nl_family", u16, 0, 2),
    port: field("nl_pid", u32, 4, 4),
    groups: field("nl_groups", u32, 8, 4),
  },
  padding: [[2, 2]],
});

/** The bytes of a `struct sockaddr_nl` for bind, connect or sendto; without arguments, the kernel's address. */
export function encodeNetlinkSocketAddress(
  address: { readonly port?: number; readonly groups?: number } = {},
): Uint8Array {
  for (const value of [address.port ?? 0, address.groups ?? 0]) {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
      throw new OrlopError("invalid", `Cannot encode netlink address "${value}": it is not an unsigned 32-bit integer`);
    }
  }
  const writer = new ByteWriter("sockaddr_nl");
  netlinkSocketAddress.write({ family: AF_NETLINK, ...address }, writer);
  return writer.finish();
}
