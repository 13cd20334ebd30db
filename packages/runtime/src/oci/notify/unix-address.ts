import { OrlopError } from "@orlop/core";

/** struct sockaddr_un of include/uapi/linux/un.h: the family, then the path. */
const FAMILY_BYTES = 2;
const PATH_MAX_BYTES = 108;
const AF_UNIX = 1;

/**
 * The address of a unix socket: a path, or `@` and the name of an abstract socket, as sd_notify(3) has it.
 *
 * @throws OrlopError `invalid`
 */
export function unixAddress(name: string): Buffer {
  const isAbstract = name.startsWith("@");
  const path = Buffer.from(isAbstract ? `\0${name.slice(1)}` : `${name}\0`);
  if (path.length > PATH_MAX_BYTES || name.includes("\0") || name === "" || name === "@") {
    throw new OrlopError(
      "invalid",
      `Cannot use socket "${name}": a socket's name has 1 to ${PATH_MAX_BYTES - 1} bytes`,
    );
  }
  const address = Buffer.alloc(FAMILY_BYTES + path.length);
  address.writeUInt16LE(AF_UNIX);
  path.copy(address, FAMILY_BYTES);
  return address;
}
