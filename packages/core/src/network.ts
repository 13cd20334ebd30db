import type { Labels } from "./content.ts";

/** The transports whose ports can be published. */
export const PORT_PROTOCOLS = ["tcp", "udp", "sctp"] as const;
export type PortProtocol = (typeof PORT_PROTOCOLS)[number];

/** Where a published port listens when nothing is said: whoever wants the neighbours of the machine in says so. */
export const PUBLISH_ADDRESS_DEFAULT = "127.0.0.1";

/** What a driver can do; a call that needs what is false or not listed is refused with `unsupported`. */
export interface NetworkFeatures {
  /** `create` and `remove`; otherwise the networks are what somebody has configured. */
  readonly create: boolean;
  /** An endpoint may ask for its addresses and its hardware address. */
  readonly staticAddresses: boolean;
  readonly ipv6: boolean;
  /** Networks without a way out. */
  readonly internal: boolean;
  /** A namespace may be connected to a further network, and from one, while its programs run. */
  readonly connectWhileRunning: boolean;
  /** Protocols whose ports can be published; none: no port can. */
  readonly publish: readonly PortProtocol[];
  /** `publish` and `unpublish` of an endpoint that is there. */
  readonly publishWhileRunning: boolean;
  /** Egress policies, at `connect` and changed by `setEgress`. */
  readonly egress: boolean;
  /** Needs no right that an ordinary user lacks. */
  readonly rootless: boolean;
}

/** One range of addresses of a network. */
export interface Subnet {
  /** `172.30.0.0/16`, `fd6f:726c:6f70::/64`; the address of the network itself. */
  readonly prefix: string;
  /** The address of the host's side, and of the default route unless the network is internal. */
  readonly gateway: string;
  /** Addresses are allocated from this part of `prefix` only; those that are asked for may come from all of it. */
  readonly range?: string;
}

export interface CreateNetworkRequest {
  /** Unique within the driver: {@link parseName}'s rule. */
  readonly name: string;
  /** At most one of each family; absent: the driver chooses one of IPv4, and of IPv6 where `ipv6` says so. */
  readonly subnets?: readonly (Pick<Subnet, "prefix"> & Partial<Subnet>)[];
  /** Absent: whether `subnets` have one of IPv6. */
  readonly ipv6?: boolean;
  /** No route leads out of it, or in; its endpoints reach each other and nothing else. */
  readonly internal?: boolean;
  readonly labels?: Labels;
  /** Of the driver's own; one that it does not know is refused by name with `unsupported`. */
  readonly options?: Readonly<Record<string, string>>;
}

/** A network as it is. */
export interface NetworkInfo {
  /** 64 lower-case hex digits. */
  readonly id: string;
  readonly name: string;
  /** Name of the driver: `bridge`, `cni`, `pasta`, `slirp4netns`. */
  readonly driver: string;
  readonly subnets: readonly Subnet[];
  readonly internal: boolean;
  readonly labels: Labels;
  readonly options: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
}

/** A network namespace: a path (`/proc/PID/ns/net`, or a file that one is bound to), or an open descriptor of ours. */
export type NetworkNamespace = { readonly path: string } | { readonly fd: number };

/** A port of the host, or several in a row, whose packets an endpoint gets. */
export interface PublishedPort {
  readonly protocol: PortProtocol;
  /**
   * The host's address that listens: one of its own, `0.0.0.0` for all of IPv4 or `::` for all of IPv6.
   *
   * Absent: {@link PUBLISH_ADDRESS_DEFAULT}.
   */
  readonly hostAddress?: string;
  /** First port of the host; 0 or absent: the driver chooses free ones. */
  readonly hostPort?: number;
  /** First port in the container. */
  readonly containerPort: number;
  /** How many in a row, on both sides; absent: 1. */
  readonly count?: number;
}

/** Addresses that may be talked to. */
export interface EgressRule {
  /**
   * An address or a prefix (`192.0.2.7`, `2001:db8::/32`), or a name of DNS, with `*.` in front for all names below it.
   *
   * What a name stands for is what the driver's server for names ({@link NameServer}) has told the endpoint, for as long as
   * that is valid.
   */
  readonly to: string;
  /** Absent: every protocol, and no `ports`. */
  readonly protocol?: PortProtocol;
  /** First and last port, both included; absent: all. */
  readonly ports?: readonly [first: number, last: number];
}

/**
 * What an endpoint may begin to talk to beyond its network: all, or what a rule allows. It is enforced outside of the
 * namespace, so that no right inside of it gets around it. Answers to what came in by a published port are always allowed.
 */
export type EgressPolicy = "all" | { readonly allow: readonly EgressRule[] };

export interface ConnectRequest {
  /** Name or id. */
  readonly network: string;
  /** Chosen by the caller, unique in the network: most often the container's id. */
  readonly endpoint: string;
  readonly namespace: NetworkNamespace;
  /** In the namespace; absent: the first of `eth0`, `eth1`, ... that is free there. */
  readonly interfaceName?: string;
  /** At most one of each family, within the subnets; absent for a family: allocated. */
  readonly addresses?: readonly string[];
  /** `02:42:ac:1e:00:02`; absent: the driver chooses. */
  readonly hardwareAddress?: string;
  /** By which the others on the network find it, the first one being its name; docker's rule for names does not apply. */
  readonly names?: readonly string[];
  readonly ports?: readonly PublishedPort[];
  /** Absent: `all`. */
  readonly egress?: EgressPolicy;
  /** The namespace has a default route by another network already, or none is wanted. */
  readonly noDefaultRoute?: boolean;
  readonly labels?: Labels;
  readonly signal?: AbortSignal;
}

export interface Route {
  /** `0.0.0.0/0`, `::/0`, or more precise. */
  readonly destination: string;
  readonly gateway?: string;
}

/** What belongs into a container's `/etc/resolv.conf`. */
export interface Resolvers {
  /** Addresses that answer from within the namespace. */
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** An endpoint as it is: what a namespace has of one network. */
export interface Endpoint {
  readonly id: string;
  /** Id of the network. */
  readonly network: string;
  readonly interfaceName: string;
  /** With the length of the prefix: `172.30.0.2/16`. */
  readonly addresses: readonly string[];
  readonly hardwareAddress: string;
  readonly gateways: readonly string[];
  readonly routes: readonly Route[];
  readonly resolvers: Resolvers;
  readonly names: readonly string[];
  /** With everything that the driver chose. */
  readonly ports: readonly Required<PublishedPort>[];
  readonly egress: EgressPolicy;
  readonly labels: Labels;
}

/**
 * What answers questions of DNS for the endpoints of a driver: names of their networks, and by asking the host's own servers
 * the rest. It is a process beside the containers, which somebody has to run as long as it is needed; while there is none,
 * names are not answered, and no egress policy lets out more than its addresses.
 */
export interface NameServer {
  /** Whether there are endpoints that it is for. */
  isNeeded(): boolean;
  /**
   * Answers until it is not needed or the signal aborts.
   *
   * @param watch calls back when another process may have changed what networks and endpoints there are
   */
  serve(watch: (onChange: () => void) => Disposable, signal: AbortSignal): Promise<void>;
  /** Resolves with whether that endpoint is answered, before the signal aborts; true for one that it is not for. */
  isAnswered(network: string, endpoint: string, signal: AbortSignal): Promise<boolean>;
}

/** A user namespace that is there until this is disposed of, and as long as something that belongs to it is connected. */
export interface HeldUserNamespace extends AsyncDisposable {
  readonly path: string;
}

/** A line of a container's `/etc/hosts`. */
export interface HostsEntry {
  readonly address: string;
  readonly names: readonly string[];
}

/**
 * The `Network` contract: one way to connect network namespaces with each other and with the world.
 *
 * ## The life of a network and of an endpoint
 *
 *     create(name) ──> network ──remove──> gone
 *                         │  ^
 *                 connect │  │ disconnect, or the end of the namespace
 *                         v  │
 *                      endpoint ──publish, unpublish, setEgress──> the same endpoint
 *
 * A *network* is known by its name and its id; it has subnets and a *driver*, which is the object of this contract. An
 * *endpoint* is what one namespace has of one network: an interface, addresses, names, published ports. Its id is the
 * caller's choice. A namespace may have several endpoints, of different networks. Nothing of this contract runs beside a
 * container that the kernel could do without (`pasta` and its like are started where there is no other way), so that
 * everything goes on when the caller ends.
 *
 * A network with endpoints is not removed (`conflict`). What is named and not there is `not-found`, a name or an address
 * that is taken `exists`, a port that the host or an endpoint has already `conflict`. A failed call leaves nothing.
 *
 * ## Twice, at once, and after a crash
 *
 * - `connect` with a known endpoint id and the same namespace and wishes gives the endpoint that is there, repaired where
 *   something was missing; with other ones it is a `conflict`. `disconnect`, `unpublish` and `remove` of what is not there
 *   are no errors.
 * - Several processes use the same networks at once. Names, addresses and ports are each given to one of them.
 * - Before something is made in the kernel it is written down durably, with the process that makes it; it carries a name
 *   that says whose it is. So `cleanup` finds what a killed process, or a namespace that is gone, has left: records without
 *   a living thing and things without a record are removed. A restart of the machine takes the things of every network
 *   with it; they are made anew by the next `connect`.
 */
export interface NetworkDriver {
  /** `bridge`, `pasta`, `slirp4netns`, `cni`. */
  readonly name: string;
  /** Name of the network that is there without `create`: what a container is on when nothing is said. */
  readonly defaultNetwork: string;
  /** Absent: names are written into files, and egress policies are of addresses. */
  readonly names?: NameServer;
  features(): Promise<NetworkFeatures>;
  create(request: CreateNetworkRequest): Promise<NetworkInfo>;
  /** By name or id. */
  inspect(network: string): Promise<NetworkInfo>;
  /** Sorted by name; the default network is always among them. */
  list(): Promise<readonly NetworkInfo[]>;
  /** The default network cannot be removed: `conflict`. */
  remove(network: string): Promise<void>;
  /**
   * Where namespaces that are to be connected with one of these networks have to be made: in a child of this user namespace.
   * Held before they are made, and until they are connected. Undefined, or no such method: anywhere.
   */
  holdUserNamespace?(networks: readonly string[]): Promise<HeldUserNamespace | undefined>;
  connect(request: ConnectRequest): Promise<Endpoint>;
  /** Ends established connections, gives the addresses and ports free. The namespace may be gone already. */
  disconnect(network: string, endpoint: string): Promise<void>;
  endpoint(network: string, endpoint: string): Promise<Endpoint>;
  /** Of one network, or of all. Sorted by id. */
  endpoints(network?: string): Promise<readonly Endpoint[]>;
  /** Adds ports, all or none. One that this endpoint has already is no error. */
  publish(network: string, endpoint: string, ports: readonly PublishedPort[]): Promise<Endpoint>;
  /** Takes back ports as `Endpoint.ports` tells them; established connections through them end. */
  unpublish(network: string, endpoint: string, ports: readonly PublishedPort[]): Promise<Endpoint>;
  /** From now on; connections that are no longer allowed end. */
  setEgress(network: string, endpoint: string, policy: EgressPolicy): Promise<Endpoint>;
  /** Names of all endpoints of a network with their addresses: who has no server for names writes them into files. */
  hostsEntries(network: string): Promise<readonly HostsEntry[]>;
  /** Removes what dead processes and ended namespaces have left, and only that. */
  cleanup(): Promise<void>;
  /**
   * Connects once more what was cut off because a process beside the containers was killed; costs next to nothing where none was.
   * Absent: nothing runs beside them.
   */
  mend?(): Promise<void>;
  close(): Promise<void>;
}
