import { OrlopError, type PortProtocol, type PublishedPort } from "@orlop/core";
import { errnoWords } from "@orlop/kernel";
import type { RelayNamespace } from "@orlop/kernel/netlink";
import { describePort } from "./complete-ports.ts";
import { socketAddress } from "./socket-address.ts";

// include/linux/net.h, include/uapi/linux/in.h
const SOCKETS: Readonly<Record<PortProtocol, readonly [type: number, protocol: number]>> = {
  tcp: [1, 6],
  udp: [2, 17],
  sctp: [1, 132],
};

/** A kernel without the protocol has nobody who listens by it. */
const NO_PROTOCOL: readonly string[] = ["EPROTONOSUPPORT", "ESOCKTNOSUPPORT"];

/**
 * Whether a program of the host has one of the ports already: what the kernel would tell it, too, if it bound it now. The
 * port is not kept: a program that binds it afterwards hears nothing, because its packets go to the endpoint.
 *
 * @throws OrlopError `conflict` for one in use, `invalid` for an address that is none of the host's, `denied`
 */
export async function checkHostPorts(namespace: RelayNamespace, port: Required<PublishedPort>): Promise<void> {
  const [type, protocol] = SOCKETS[port.protocol];
  for (let index = 0; index < port.count; index++) {
    const number = port.hostPort + index;
    const { family, bytes } = socketAddress(port.hostAddress, number);
    const errno = await namespace.tryBind(family, type, protocol, bytes);
    if (errno === undefined || NO_PROTOCOL.includes(errno)) continue;
    const cannot = `Cannot publish port "${describePort(port)}"`;
    if (errno === "EADDRINUSE") throw new OrlopError("conflict", `${cannot}: a program listens on ${number} already`);
    if (errno === "EADDRNOTAVAIL") {
      throw new OrlopError("invalid", `${cannot}: ${port.hostAddress} is no address of this machine`);
    }
    throw new OrlopError(errno === "EACCES" ? "denied" : "failed", `${cannot}: ${errnoWords(errno)}`, { errno });
  }
}
