import { type ConnectRequest, OrlopError } from "@orlop/core";
import { hardwareAddressFor } from "../bridge/allocate-endpoint.ts";
import { namespacePath } from "../namespace-path.ts";
import type { EndpointWishes } from "../records/network-records.ts";
import { hostResolvers } from "../resolvers.ts";
import type { EndpointFacts } from "./endpoint-maker.ts";

/** As slirp4netns has them: every endpoint has the same, because it is behind a process of its own. */
export const USER_ADDRESS = {
  own: "10.0.2.100",
  prefixLength: 24,
  prefix: "10.0.2.0/24",
  gateway: "10.0.2.2",
  names: "10.0.2.3",
} as const;

const OF_PROCESS = /^(\/proc\/\d+\/ns)\/net$/;

/** Where the namespaces are of the process that a network namespace is of: an ordinary user can enter those together. */
export function userNamespaces(namespacePath: string): string | undefined {
  return OF_PROCESS.exec(namespacePath)?.[1];
}

/**
 * What an endpoint of an ordinary user's has.
 *
 * @throws OrlopError `unsupported`
 */
export function userEndpointFacts(driver: string, request: ConnectRequest, wishes: EndpointWishes): EndpointFacts {
  const cannot = (problem: string): OrlopError =>
    new OrlopError("unsupported", `Cannot connect endpoint "${request.endpoint}": ${problem}`);
  if (process.getuid?.() === 0) throw cannot(`${driver} is for ordinary users\nTry driver bridge, which needs root.`);
  if (wishes.noDefaultRoute === true) throw cannot(`${driver} has no endpoint without a default route`);
  const path = namespacePath(request.namespace);
  if (userNamespaces(path) === undefined) {
    throw cannot(`namespace "${path}" is none of a process\nTry /proc/PID/ns/net.`);
  }
  const addresses = [`${USER_ADDRESS.own}/${USER_ADDRESS.prefixLength}`];
  const resolvers = hostResolvers();
  return {
    interfaceName: wishes.interfaceName ?? "eth0",
    addresses,
    hardwareAddress: hardwareAddressFor(addresses, undefined),
    gateways: [USER_ADDRESS.gateway],
    routes: [{ destination: "0.0.0.0/0", gateway: USER_ADDRESS.gateway }],
    // A server that is on the host's loopback alone is reached by the process beside it.
    resolvers: resolvers.servers.length > 0 ? resolvers : { ...resolvers, servers: [USER_ADDRESS.names] },
  };
}
