import type { ProgramBuilder } from "../program/builder.ts";
import type { Slot } from "../program/instruction.ts";

/** struct sockaddr_un of include/uapi/linux/un.h: the family, the path, a NUL behind it. */
const SOCKADDR_UN_BYTES = 110;
const PATH_OFFSET = 2;
/** Bytes that the path of a socket may have. */
export const SOCKET_PATH_MAX_BYTES: number = SOCKADDR_UN_BYTES - PATH_OFFSET - 1;
const AF_UNIX = 1;

/** Leaves a stream socket that is connected to the one at `path` in a slot. */
export function emitConnect(p: ProgramBuilder, path: string, into: Slot): void {
  p.call("socket", [p.flags("AF_UNIX"), p.flags("SOCK_STREAM|SOCK_CLOEXEC"), 0], { into });
  const address = Buffer.alloc(SOCKADDR_UN_BYTES);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(path, PATH_OFFSET);
  p.call("connect", [into, p.bytes(address, `{AF_UNIX, ${JSON.stringify(path)}}`), address.length]);
}
