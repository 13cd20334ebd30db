import type { ProgramBuilder } from "../program/builder.ts";
import type { Pointer, Slot } from "../program/instruction.ts";

/** struct sockaddr_un of include/uapi/linux/un.h: the family, the path, a NUL behind it. */
const SOCKADDR_UN_BYTES = 110;
const PATH_OFFSET = 2;
const PATH_MAX_BYTES = SOCKADDR_UN_BYTES - PATH_OFFSET - 1;
const AF_UNIX = 1;

/** Why no socket can have this path; undefined when one can. */
export function socketPathProblem(path: string): string | undefined {
  if (Buffer.byteLength(path) <= PATH_MAX_BYTES) return undefined;
  return `its path is longer than the ${PATH_MAX_BYTES} bytes that the kernel takes`;
}

/** `into` = a socket, by default of streams, that is connected to the one at `path`. */
export function emitConnect(p: ProgramBuilder, path: string, into: Slot, flags = "SOCK_STREAM|SOCK_CLOEXEC"): void {
  p.call("socket", [p.flags("AF_UNIX"), p.flags(flags), 0], { into });
  p.call("connect", [into, socketAddress(p, path), SOCKADDR_UN_BYTES]);
}

/** `into` = a socket of streams that listens at `path`. */
export function emitListen(p: ProgramBuilder, path: string, into: Slot): void {
  p.call("socket", [p.flags("AF_UNIX"), p.flags("SOCK_STREAM|SOCK_CLOEXEC"), 0], { into });
  p.call("bind", [into, socketAddress(p, path), SOCKADDR_UN_BYTES]);
  p.call("listen", [into, 1]);
}

function socketAddress(p: ProgramBuilder, path: string): Pointer {
  const address = Buffer.alloc(SOCKADDR_UN_BYTES);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(path, PATH_OFFSET);
  return p.bytes(address, `{AF_UNIX, ${JSON.stringify(path)}}`);
}
