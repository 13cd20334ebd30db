import { parseIpAddress } from "@orlop/kernel/netlink";

// include/linux/socket.h
const AF_INET = 2;
const AF_INET6 = 10;

/** struct sockaddr_in and sockaddr_in6: include/uapi/linux/in.h and in6.h */
export function socketAddress(address: string, port: number): { readonly family: number; readonly bytes: Uint8Array } {
  const { version, bytes } = parseIpAddress(address);
  const family = version === 4 ? AF_INET : AF_INET6;
  const result = Buffer.alloc(version === 4 ? 16 : 28);
  result.writeUInt16LE(family, 0);
  result.writeUInt16BE(port, 2);
  result.set(bytes, version === 4 ? 4 : 8);
  return { family, bytes: result };
}
