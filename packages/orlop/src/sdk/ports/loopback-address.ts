/** include/linux/socket.h */
const AF_INET = 2;

/** struct sockaddr_in (include/uapi/linux/in.h): family, port, 127.0.0.1, padding. */
export function loopbackAddress(port: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set([127, 0, 0, 1], 4);
  return bytes;
}
