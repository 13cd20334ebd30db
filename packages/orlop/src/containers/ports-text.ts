import type { PublishedPort } from "@orlop/core";
import type { Container } from "@orlop/engine";

/** The ports that are published while it runs. */
export function publishedPorts({ state }: Container): readonly Required<PublishedPort>[] {
  return state.endpoints.flatMap(({ ports }) => ports);
}

/**
 * As docker's `ps` has them: `0.0.0.0:5000-5001->5000-5001/udp, 127.0.0.1:8080->80/tcp`. Those that have the same number outside as
 * inside stand first, several in a row as one; then the others, one by one.
 */
export function portsText(container: Container): string {
  const published = publishedPorts(container);
  if (published.length === 0) return "";
  const all = published.flatMap(singlePorts).sort(compare);
  const texts: string[] = [];
  /** What may go on, by address and protocol. */
  const ranges = new Map<string, { readonly first: SinglePort; readonly last: SinglePort }>();
  for (const port of all.filter(isSame)) {
    const key = `${port.hostAddress}/${port.protocol}`;
    const range = ranges.get(key);
    if (range !== undefined && port.hostPort === range.last.hostPort + 1) {
      ranges.set(key, { first: range.first, last: port });
      continue;
    }
    if (range !== undefined) texts.push(portText(range.first, range.last));
    ranges.set(key, { first: port, last: port });
  }
  for (const { first, last } of ranges.values()) texts.push(portText(first, last));
  for (const port of all) if (!isSame(port)) texts.push(portText(port, port));
  return texts.join(", ");
}

function isSame({ hostPort, containerPort }: SinglePort): boolean {
  return hostPort === containerPort;
}

type SinglePort = Omit<Required<PublishedPort>, "count">;

function singlePorts({ count, hostPort, containerPort, ...port }: Required<PublishedPort>): readonly SinglePort[] {
  return Array.from({ length: count }, (_, index) => ({
    ...port,
    hostPort: hostPort + index,
    containerPort: containerPort + index,
  }));
}

function compare(a: SinglePort, b: SinglePort): number {
  const byText = (left: string, right: string): number => (left === right ? 0 : left < right ? -1 : 1);
  return (
    a.containerPort - b.containerPort ||
    byText(a.hostAddress, b.hostAddress) ||
    a.hostPort - b.hostPort ||
    byText(a.protocol, b.protocol)
  );
}

function portText(first: SinglePort, last: SinglePort): string {
  const { hostAddress, hostPort, containerPort, protocol } = first;
  const address = hostAddress.includes(":") ? `[${hostAddress}]` : hostAddress;
  const range = (from: number, to: number): string => (from === to ? `${from}` : `${from}-${to}`);
  return `${address}:${range(hostPort, last.hostPort)}->${range(containerPort, last.containerPort)}/${protocol}`;
}
