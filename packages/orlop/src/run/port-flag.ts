import { isIP } from "node:net";
import { OrlopError, PORT_PROTOCOLS, type PortProtocol, type PublishedPort } from "@orlop/core";

const PORT_MAX = 65_535;

/** First port, and how many in a row. */
type Range = readonly [first: number, count: number];

/**
 * `[ADDRESS:][HOST[-HOST]:]CONTAINER[-CONTAINER][/PROTOCOL]` as docker's `-p`; an address of IPv6 stands in brackets. Without
 * an address it is the loopback's, without a port of the host a free one.
 *
 * @throws OrlopError `invalid`
 */
export function parsePublishedPort(text: string): PublishedPort {
  const [, address, host, container = "", protocol = "tcp"] =
    /^(?:(\[[^\]]*\]|[^:[\]]*):)?(?:([\d-]*):)?([\d-]+)(?:\/(\w+))?$/.exec(normal(text)) ?? [];
  if (container === "") throw invalid(text, "it is [ADDRESS:][HOST_PORT:]CONTAINER_PORT[/PROTOCOL]");
  const [containerPort, count] = parseRange(container, text);
  const hostAddress = address?.replace(/^\[|\]$/g, "");
  if (hostAddress !== undefined && hostAddress !== "" && isIP(hostAddress) === 0) {
    throw invalid(text, `${JSON.stringify(hostAddress)} is no address`);
  }
  return {
    protocol: parseProtocol(protocol, text),
    containerPort,
    count,
    ...(hostAddress === undefined || hostAddress === "" ? {} : { hostAddress }),
    ...hostPart(host ?? "", count, text),
  };
}

/** Of two parts without an address the first is the host's port. */
function normal(text: string): string {
  return /^[\d-]+:[\d-]+(\/\w+)?$/.test(text) ? `:${text}` : text;
}

function hostPart(host: string, count: number, text: string): Pick<PublishedPort, "hostPort"> {
  if (host === "") return {};
  const [hostPort, hostCount] = parseRange(host, text);
  if (hostCount === count) return { hostPort };
  throw invalid(text, `${hostCount} ports of the host do not fit ${count} of the container`);
}

/** `PORT[-PORT][/PROTOCOL]` as docker's `--expose` and an image's ExposedPorts. @throws OrlopError `invalid` */
export function parseExposedPort(text: string): PublishedPort {
  const [, ports = "", protocol = "tcp"] = /^([\d-]+)(?:\/(\w+))?$/.exec(text) ?? [];
  if (ports === "") throw invalid(text, "it is PORT[-PORT][/PROTOCOL]");
  const [containerPort, count] = parseRange(ports, text);
  return { protocol: parseProtocol(protocol, text), containerPort, count };
}

function parseRange(text: string, whole: string): Range {
  const [, first = "", last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === "" || from < 1 || to > PORT_MAX) throw invalid(whole, `ports are numbers from 1 to ${PORT_MAX}`);
  if (to < from) throw invalid(whole, `${text} is no range`);
  return [from, to - from + 1];
}

function parseProtocol(text: string, whole: string): PortProtocol {
  const protocol = PORT_PROTOCOLS.find((each) => each === text.toLowerCase());
  if (protocol !== undefined) return protocol;
  throw invalid(whole, `the protocols are ${PORT_PROTOCOLS.join(", ")}`);
}

function invalid(text: string, what: string): OrlopError {
  return new OrlopError("invalid", `invalid port ${JSON.stringify(text)}: ${what}`);
}
