import type { ConnectRequest, Endpoint, NetworkInfo } from "@orlop/core";

/** A network, and what the driver has to know of it beside. */
export interface NetworkRecord {
  readonly info: NetworkInfo;
  /** Name of its interface on the host. */
  readonly link: string;
  /** Where questions for names are answered; absent: nobody does. */
  readonly answers?: readonly AnswerPort[];
}

/** A port of the host that answers in the place of one of a gateway's. */
export interface AnswerPort {
  /** The gateway's. */
  readonly address: string;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
}

/** What a name of an egress policy stood for when an endpoint asked for it. */
export interface FoundAddress {
  readonly name: string;
  readonly address: string;
  /** Unix time; it stays afterwards, for the connections that began before. */
  readonly untilMs: number;
}

/**
 * - *making*: somebody connects it; what is in the kernel may be incomplete
 * - *made*: what the endpoint says is there
 * - *ending*: somebody disconnects it
 */
export type EndpointState = "making" | "made" | "ending";

/** The wishes of a connect request that decide whether another request is for the same endpoint. */
export type EndpointWishes = Omit<ConnectRequest, "network" | "endpoint" | "namespace" | "signal">;

export interface EndpointRecord {
  readonly endpoint: Endpoint;
  readonly state: EndpointState;
  /** Process mark of whoever has brought it into this state. */
  readonly maker: string;
  /** Name of the interface on the host's side, which nothing else ever has. */
  readonly link: string;
  /** Where its namespace is found, and device and inode number by which it is recognised. */
  readonly namespace: { readonly path: string; readonly identity: string };
  readonly wishes: EndpointWishes;
  /** What the driver has to know beside for taking it back; JSON. */
  readonly held?: unknown;
  /** What its egress policy lets out by names, the newest last. */
  readonly found?: readonly FoundAddress[];
}

/** Ports of one protocol and IP version in a row. */
export interface PortRange {
  readonly protocol: string;
  /** `0.0.0.0` and `::` overlap with all of their version. */
  readonly address: string;
  readonly first: number;
  readonly last: number;
}

/**
 * What one driver's networks and endpoints are, durably, for all processes that use it. Reads are of one moment within a
 * `transaction`, and changes are all of it or nothing; it is synchronous.
 */
export interface NetworkRecords {
  /** Six hex digits that tell what belongs to these records from what belongs to others in the same kernel. */
  owner(): string;
  transaction<T>(work: () => T): T;
  /** Another one whenever somebody has changed something, also who asks: names may be answered by whoever changes what is known. */
  version(): string;
  /** Sorted by name. */
  networks(): readonly NetworkRecord[];
  /** By name or id. */
  network(nameOrId: string): NetworkRecord | undefined;
  /** @throws OrlopError `exists` for a name that is taken */
  insertNetwork(record: NetworkRecord): void;
  updateNetwork(record: NetworkRecord): void;
  /** With all addresses that it holds. */
  deleteNetwork(id: string): void;
  /** Of one network by its id, or of all; sorted by id. */
  endpoints(network?: string): readonly EndpointRecord[];
  /** Endpoints that somebody is about to connect or disconnect, or was when it was killed. */
  unfinished(): readonly EndpointRecord[];
  endpoint(network: string, id: string): EndpointRecord | undefined;
  insertEndpoint(record: EndpointRecord): void;
  updateEndpoint(record: EndpointRecord): void;
  /** With all addresses and ports that it holds. */
  deleteEndpoint(network: string, id: string): void;
  /** Who holds the address: an endpoint's id, "" for the network itself, undefined for nobody. */
  addressHolder(network: string, address: string): string | undefined;
  /** `ordinal` is the address's distance from the subnet's own; absent where it is too large to be allocated. */
  takeAddress(network: string, holder: string, address: string, ordinal: number | undefined): void;
  /** The lowest ordinal from `first` to `last` that nobody holds in this IP version. */
  freeOrdinal(network: string, version: 4 | 6, first: number, last: number): number | undefined;
  /** An endpoint that holds a part of the range, of any network. */
  portHolder(range: PortRange): { readonly network: string; readonly endpoint: string } | undefined;
  takePorts(network: string, endpoint: string, range: PortRange): void;
  /** Interfaces of a host that packets are not forwarded from, by the version of IP that was switched on for us. */
  closedLinks(host: string): readonly { readonly version: 4 | 6; readonly link: string }[];
  /** Also takes away what is written of hosts that were started again since. */
  closeLinks(host: string, version: 4 | 6, links: readonly string[]): void;
  releasePorts(network: string, endpoint: string, range: PortRange): void;
}
