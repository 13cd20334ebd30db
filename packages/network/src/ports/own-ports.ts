import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { OrlopError, type PublishedPort } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import { describePort } from "./complete-ports.ts";

/**
 * Whether this process could listen on a port now, in its own network namespace. Nothing stays bound.
 *
 * @throws OrlopError `conflict` for one in use, `invalid` for an address that is none of the host's, `denied`
 */
export async function checkOwnPort(port: Required<PublishedPort>): Promise<void> {
  const cannot = `publish port "${describePort(port)}"`;
  for (let index = 0; index < port.count; index++) {
    const number = port.hostPort + index;
    const error = await tryListen(port, number);
    if (error === undefined) continue;
    if (error.code === "EADDRINUSE") {
      throw new OrlopError("conflict", `Cannot ${cannot}: a program listens on ${number} already`);
    }
    if (error.code === "EADDRNOTAVAIL") {
      throw new OrlopError("invalid", `Cannot ${cannot}: ${port.hostAddress} is no address of this machine`);
    }
    throw systemFailure(cannot, error);
  }
}

async function tryListen(
  { protocol, hostAddress }: Required<PublishedPort>,
  port: number,
): Promise<NodeJS.ErrnoException | undefined> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.ErrnoException | undefined>();
  if (protocol === "udp") {
    // Who listens on all addresses of IPv4 has none of IPv6.
    const isIpv6 = hostAddress.includes(":");
    const socket = createSocket({ type: isIpv6 ? "udp6" : "udp4", ipv6Only: isIpv6 });
    socket.once("error", (error) => socket.close(() => resolve(error)));
    socket.bind({ port, address: hostAddress, exclusive: true }, () => socket.close(() => resolve(undefined)));
  } else {
    const server = createServer();
    server.once("error", resolve);
    server.listen({ port, host: hostAddress, exclusive: true, ipv6Only: true }, () =>
      server.close(() => resolve(undefined)),
    );
  }
  return await promise;
}
