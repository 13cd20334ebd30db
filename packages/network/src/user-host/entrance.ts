import { createHash } from "node:crypto";
import type { PublishedPort } from "@orlop/core";
import { parseIpAddress } from "@orlop/kernel/netlink";
import { addressOf } from "../bridge/rule-elements.ts";
import type { RuleElement } from "../bridge/rule-set.ts";
import type { EndpointRecord } from "../records/network-records.ts";
import type { HeldHost } from "./user-host.ts";

const HOST_KEY_LENGTH = 8;

const [UNPRIVILEGED, PORT_MAX] = [1024, 65_535];

/** By which processes of a host's are known. */
export function hostKey({ pid }: HeldHost): string {
  return pid.toString(16).padStart(HOST_KEY_LENGTH, "0");
}

/** A published port, or several in a row, that a process of pasta(1) leads to an endpoint by an interface of its own. */
export interface Entrance {
  readonly port: Required<PublishedPort>;
  readonly version: 4 | 6;
  /** The endpoint's address. */
  readonly own: string;
  readonly key: string;
  readonly link: string;
  readonly hardwareAddress: string;
  /** Of its connections, and the number of the routes for their answers. */
  readonly mark: number;
  /** The first port that the process sends to. */
  readonly inside: number;
  readonly elements: readonly RuleElement[];
}

/** Begins the keys of all entrances of one endpoint. */
export function endpointKey(host: HeldHost, { link }: EndpointRecord): string {
  return `${hostKey(host)}${digest(link).slice(0, 8)}`;
}

/** Everything about an entrance follows from what it is for; undefined where the endpoint has no address of that version. */
export function entranceOf(
  host: HeldHost,
  record: EndpointRecord,
  port: Required<PublishedPort>,
): Entrance | undefined {
  const { version } = parseIpAddress(port.hostAddress);
  const own = addressOf(record.endpoint.addresses, version);
  if (own === undefined) return undefined;
  const { protocol, hostAddress, hostPort, containerPort, count } = port;
  const hash = digest(JSON.stringify([record.link, own, protocol, hostAddress, hostPort, containerPort, count]));
  const [link, mark, inside] = [`p-${hash.slice(0, 12)}`, markOf(hash), insideOf(port, hash)];
  return {
    port,
    version,
    own,
    link,
    mark,
    inside,
    key: `${endpointKey(host, record)}${hash.slice(0, 12)}`,
    hardwareAddress: ["02", ...Array.from({ length: 5 }, (_, at) => hash.slice(2 * at, 2 * at + 2))].join(":"),
    elements: [
      { set: "entrances", key: [link], value: [mark], link: record.link },
      { set: "marks", key: [mark], link: record.link },
      ...Array.from({ length: count }, (_, at) => at).flatMap((at): readonly RuleElement[] => {
        const value = [own, containerPort + at] as const;
        return [
          { set: `inside${version}`, key: [link, protocol, inside + at], value, link: record.link },
          { set: `admitted${version}`, key: [link, own, protocol, containerPort + at], link: record.link },
        ];
      }),
    ],
  };
}

/** Far from the numbers of tables that people choose. */
function markOf(hash: string): number {
  return 0x4000_0000 + (Number.parseInt(hash.slice(0, 8), 16) & 0x3fff_ffff);
}

/**
 * What comes from the machine's loopback arrives on the host's, always on 127.0.0.1: the port's own number is nobody else's there, but
 * for the same port of another loopback address, which takes one by chance.
 */
function insideOf({ hostAddress, hostPort, count }: Required<PublishedPort>, hash: string): number {
  if (!hostAddress.startsWith("127.") || hostAddress === "127.0.0.1") return hostPort;
  return UNPRIVILEGED + (Number.parseInt(hash.slice(0, 8), 16) % (PORT_MAX - UNPRIVILEGED - count + 1));
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
