import { type ConnectRequest, type NetworkInfo, OrlopError, type PublishedPort, type Route } from "@orlop/core";
import { parseIpAddress, parseIpPrefix } from "@orlop/kernel/netlink";
import { disjointPolicy } from "../egress/disjoint-rules.ts";
import { completePorts, describePort } from "../ports/complete-ports.ts";
import type { EndpointWishes, NetworkRecord } from "../records/network-records.ts";
import { isInterfaceName } from "./bridge-options.ts";

/** Of /etc/hosts: proc(5) knows no longer name of a host either. */
const NAME_MAX = 255;
/** One line of hosts(5) has all of them. */
const NAMES_MAX = 64;

/**
 * What a request wants, checked, in one form for all requests that mean the same.
 *
 * @throws OrlopError `invalid`, `unsupported`, `exhausted`, `conflict`
 */
export function endpointWishes({ info }: NetworkRecord, request: ConnectRequest): EndpointWishes {
  const { interfaceName, addresses, hardwareAddress, names, noDefaultRoute, labels, egress } = request;
  const cannot = (problem: string): OrlopError =>
    new OrlopError("invalid", `Cannot connect endpoint "${request.endpoint}": ${problem}`);
  if (request.endpoint === "") throw cannot("its id is empty");
  if (interfaceName !== undefined && !isInterfaceName(interfaceName)) {
    throw cannot(`"${interfaceName}" is no interface's name`);
  }
  if (names !== undefined && names.length > NAMES_MAX) throw cannot(`it has more than ${NAMES_MAX} names`);
  const bad = names?.find((name) => name.length > NAME_MAX || !/^[^\s#]+$/.test(name) || /\p{Cc}/u.test(name));
  if (bad !== undefined) throw cannot(`${JSON.stringify(bad)} is no name that a host can have`);
  const ports = completePorts(request.ports ?? []);
  checkPortsFit(info, request.endpoint, ports);
  return {
    ...(interfaceName === undefined ? {} : { interfaceName }),
    ...(addresses === undefined ? {} : { addresses }),
    ...(hardwareAddress === undefined ? {} : { hardwareAddress }),
    ...(names === undefined ? {} : { names }),
    ...(ports.length === 0 ? {} : { ports }),
    ...(egress === undefined || egress === "all" ? {} : { egress: disjointPolicy(egress) }),
    ...(noDefaultRoute === true ? { noDefaultRoute } : {}),
    ...(labels === undefined ? {} : { labels }),
  };
}

/** @throws OrlopError `invalid` for ports that no packet could get to */
export function checkPortsFit(info: NetworkInfo, endpoint: string, ports: readonly Required<PublishedPort>[]): void {
  for (const port of ports) {
    const cannot = (problem: string): OrlopError =>
      new OrlopError("invalid", `Cannot publish port "${describePort(port)}" of endpoint "${endpoint}": ${problem}`);
    if (info.internal) throw cannot(`network "${info.name}" is internal`);
    const { version } = parseIpAddress(port.hostAddress);
    // Where they are not known, there are none.
    if (info.subnets.length > 0 && !info.subnets.some(({ prefix }) => parseIpPrefix(prefix).version === version)) {
      throw cannot(`network "${info.name}" has no IPv${version}`);
    }
  }
}

/** Of the versions that the namespace has none of yet. */
export function defaultRoutes(
  info: NetworkInfo,
  { noDefaultRoute }: Pick<ConnectRequest, "noDefaultRoute">,
  present: ReadonlySet<4 | 6>,
): readonly Route[] {
  if (noDefaultRoute === true || info.internal) return [];
  return info.subnets.flatMap(({ prefix, gateway }): Route[] => {
    const { version } = parseIpPrefix(prefix);
    return present.has(version) ? [] : [{ destination: version === 4 ? "0.0.0.0/0" : "::/0", gateway }];
  });
}
