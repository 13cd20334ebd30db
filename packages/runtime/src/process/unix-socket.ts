import type { ProgramBuilder, Slot } from "@orlop/kernel";

/** struct sockaddr_un: the family, and the path with a NUL behind it (include/uapi/linux/un.h). */
const SOCKADDR_UN_BYTES = 110;
const PATH_MAX_BYTES = 107;

/** Why no socket can have this path; undefined when one can. */
export function socketPathProblem(path: string): string | undefined {
  if (Buffer.byteLength(path) <= PATH_MAX_BYTES) return undefined;
  return `its path is longer than the ${PATH_MAX_BYTES} bytes that the kernel takes`;
}

/** `into` = a stream socket that is connected to the one at `path`. */
export function emitConnect(p: ProgramBuilder, path: string, into: Slot, flags = "SOCK_STREAM|SOCK_CLOEXEC"): void {
  p.call("socket", [p.flags("AF_UNIX"), p.flags(flags), 0], { into });
  const address = Buffer.alloc(SOCKADDR_UN_BYTES);
  address.writeUInt16LE(1, 0);
  address.write(path, 2);
  p.call("connect", [into, p.bytes(address, `{AF_UNIX, ${JSON.stringify(path)}}`), address.length]);
}
