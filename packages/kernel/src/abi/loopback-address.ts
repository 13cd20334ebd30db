/** include/linux/socket.h */
const [AF_INET, AF_INET6] = [2, 10];

/** struct sockaddr_in (include/uapi/linux/in.h): family, port, 127.0.0.1, padding. */
export function loopback4(port: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set([127, 0, 0, 1], 4);
  return bytes;
}

/** struct sockaddr_in6 (include/uapi/linux/in6.h): family, port, flow, ::1, scope. */
export function loopback6(port: number): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt16LE(AF_INET6, 0);
  bytes.writeUInt16BE(port, 2);
  bytes[23] = 1;
  return bytes;
}
