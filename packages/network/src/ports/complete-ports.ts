import { OrlopError, PORT_PROTOCOLS, PUBLISH_ADDRESS_DEFAULT, type PublishedPort } from "@orlop/core";
import { formatIpAddress, parseIpAddress } from "@orlop/kernel/netlink";
import type { PortRange } from "../records/network-records.ts";

/** Of one endpoint, each of a range counted: every one of them is an element that the kernel looks up. */
const PUBLISHED_PORTS_MAX = 4096;

const PORT_MAX = 65_535;

/**
 * Ports with everything said but `hostPort`, which stays 0 where the driver is to choose.
 *
 * @throws OrlopError `invalid`, `unsupported`, `exhausted`, `conflict` for one that is there twice
 */
export function completePorts(ports: readonly PublishedPort[]): readonly Required<PublishedPort>[] {
  const complete = ports.map(completePort);
  const total = complete.reduce((sum, { count }) => sum + count, 0);
  if (total > PUBLISHED_PORTS_MAX) {
    throw new OrlopError(
      "exhausted",
      `Cannot publish ${total} ports: an endpoint has at most PUBLISHED_PORTS_MAX, ${PUBLISHED_PORTS_MAX}`,
    );
  }
  for (const [index, port] of complete.entries()) {
    const other = complete.slice(0, index).find((each) => collide(each, port));
    if (other !== undefined) throw refused(port, `it would be there twice, with ${describePort(other)}`, "conflict");
  }
  return complete;
}

function completePort(port: PublishedPort): Required<PublishedPort> {
  const { protocol, hostPort = 0, containerPort, count = 1 } = port;
  const address = port.hostAddress ?? PUBLISH_ADDRESS_DEFAULT;
  const complete = { protocol, hostAddress: address, hostPort, containerPort, count };
  if (!PORT_PROTOCOLS.includes(protocol)) throw refused(complete, `the protocols are ${PORT_PROTOCOLS.join(", ")}`);
  const whole = [hostPort, containerPort, count].every((value) => Number.isInteger(value) && value >= 0);
  if (!whole || containerPort < 1 || count < 1 || Math.max(hostPort, containerPort) + count - 1 > PORT_MAX) {
    throw refused(complete, `ports are numbers from 1 to ${PORT_MAX}`);
  }
  const hostAddress = formatIpAddress(parseIpAddress(address).bytes);
  if (hostAddress === "::1") {
    const wayOut = `Try ${PUBLISH_ADDRESS_DEFAULT}, or :: for every address but that one.`;
    throw refused(complete, `the kernel leads nothing away from ::1\n${wayOut}`, "unsupported");
  }
  return { ...complete, hostAddress };
}

/** As docker writes it: `127.0.0.1:8080-8081->80-81/tcp`. */
export function describePort({
  hostAddress,
  hostPort,
  containerPort,
  count,
  protocol,
}: Required<PublishedPort>): string {
  const address = hostAddress.includes(":") ? `[${hostAddress}]` : hostAddress;
  const range = (first: number): string => (count === 1 ? `${first}` : `${first}-${first + count - 1}`);
  return `${address}:${range(hostPort)}->${range(containerPort)}/${protocol}`;
}

export function rangeOf({ protocol, hostAddress, hostPort, count }: Required<PublishedPort>): PortRange {
  return { protocol, address: hostAddress, first: hostPort, last: hostPort + count - 1 };
}

export function samePort(one: Required<PublishedPort>, other: Required<PublishedPort>): boolean {
  return describePort(one) === describePort(other);
}

function collide(one: Required<PublishedPort>, other: Required<PublishedPort>): boolean {
  if (one.hostPort === 0 || other.hostPort === 0 || one.protocol !== other.protocol) return false;
  const [a, b] = [parseIpAddress(one.hostAddress), parseIpAddress(other.hostAddress)];
  const any = (address: string): boolean => address === "0.0.0.0" || address === "::";
  const sameAddress = one.hostAddress === other.hostAddress || any(one.hostAddress) || any(other.hostAddress);
  if (a.version !== b.version || !sameAddress) return false;
  return one.hostPort < other.hostPort + other.count && other.hostPort < one.hostPort + one.count;
}

function refused(
  port: Required<PublishedPort>,
  problem: string,
  code: "invalid" | "unsupported" | "conflict" = "invalid",
): OrlopError {
  return new OrlopError(code, `Cannot publish port "${describePort(port)}": ${problem}`);
}
