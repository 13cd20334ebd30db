import { type EgressPolicy, type EgressRule, OrlopError, type PublishedPort } from "@orlop/core";
import {
  type Connection,
  deleteConnection,
  isOfPortMapping,
  listConnections,
  parseIpAddress,
  parseIpPrefix,
  prefixContains,
  type RelayNamespace,
} from "@orlop/kernel/netlink";
import { addressOf } from "./rule-elements.ts";

const PROTOCOLS = { tcp: "IPPROTO_TCP", udp: "IPPROTO_UDP", sctp: "IPPROTO_SCTP" } as const;

/** Has the kernel forget connections, whose next packets then meet the rules as they are now. */
export async function endConnections(host: RelayNamespace, ends: (connection: Connection) => boolean): Promise<void> {
  const found = (await host.values("netfilter", listConnections())).filter(ends);
  for (const connection of found) {
    try {
      await host.netfilter(deleteConnection(connection));
    } catch (error) {
      if (!(error instanceof OrlopError && error.code === "not-found")) throw error;
    }
  }
}

/** Those that an endpoint has a part in, by its addresses. */
export function isOfEndpoint(addresses: readonly string[]): (connection: Connection) => boolean {
  const own = new Set(addresses.map((address) => address.split("/", 1)[0]));
  return ({ original, reply }) => own.has(original.source) || own.has(original.destination) || own.has(reply.source);
}

/** Those that came by published ports of an endpoint. */
export function isOfPorts(
  addresses: readonly string[],
  ports: readonly Required<PublishedPort>[],
): (connection: Connection) => boolean {
  const mappings = ports.flatMap(({ protocol, hostAddress, hostPort, containerPort, count }) => {
    const containerAddress = addressOf(addresses, parseIpAddress(hostAddress).version);
    if (containerAddress === undefined) return [];
    const everywhere = hostAddress === "0.0.0.0" || hostAddress === "::";
    const base = { protocol: PROTOCOLS[protocol], containerAddress, ...(everywhere ? {} : { hostAddress }) };
    return Array.from({ length: count }, (_, index) => ({
      ...base,
      hostPort: hostPort + index,
      containerPort: containerPort + index,
    }));
  });
  return (connection) => mappings.some((mapping) => isOfPortMapping(connection, mapping));
}

/** Those that an endpoint began and that its policy does not allow. */
export function isForbidden(addresses: readonly string[], policy: EgressPolicy): (connection: Connection) => boolean {
  if (policy === "all") return () => false;
  const own = new Set(addresses.map((address) => address.split("/", 1)[0]));
  return (connection) => own.has(connection.original.source) && !policy.allow.some((rule) => allows(rule, connection));
}

/** By where the packets really go: an address of the host may stand for an endpoint. */
function allows({ to, protocol, ports }: EgressRule, { reply, original }: Connection): boolean {
  if (!prefixContains(parseIpPrefix(to), parseIpAddress(reply.source))) return false;
  if (protocol === undefined) return true;
  const port = reply.sourcePort ?? 0;
  return original.protocol === PROTOCOLS[protocol] && (ports === undefined || (port >= ports[0] && port <= ports[1]));
}
