import type { ConnectRequest, Endpoint, NetworkFeatures, NetworkInfo } from "@orlop/core";
import type { EndpointRecord, EndpointWishes, NetworkRecord } from "../records/network-records.ts";

/** A network that somebody else has configured, or that is always there. */
export type ConfiguredNetwork = Omit<NetworkInfo, "id" | "driver" | "createdAtMs">;

/** What an endpoint has of its network. */
export type EndpointFacts = Pick<
  Endpoint,
  "interfaceName" | "addresses" | "hardwareAddress" | "gateways" | "routes" | "resolvers"
>;

/** What can be told of an endpoint before it is made, and what the maker has to know for taking it back. */
export interface EndpointPlan {
  readonly facts: EndpointFacts;
  /** JSON. */
  readonly held?: unknown;
}

/** What turned out otherwise than it was planned, or is known only now. */
export type MadeEndpoint = { readonly facts?: Partial<EndpointFacts>; readonly held?: unknown };

/** What a maker is asked for: the endpoint as it is written down. */
export interface EndpointJob {
  readonly network: NetworkRecord;
  readonly record: EndpointRecord;
}

/**
 * Programs that are not ours and that make endpoints: what a `ConfiguredDriver` does not do itself.
 *
 * An endpoint is known by its record's `link`, which nothing else ever has, and is written down before it is made.
 */
export interface EndpointMaker {
  /** Name of the driver. */
  readonly name: string;
  readonly defaultNetwork: string;
  readonly features: NetworkFeatures;
  /** Whether the endpoints of one network reach each other, so that it helps to know their names. */
  readonly joinsEndpoints: boolean;
  /** Whether an endpoint is forgotten that could not be unmade, and whose namespace is gone, when that fails once more. */
  readonly givesUp?: boolean;
  /** As they are now, the default one among them. */
  networks(): Promise<readonly ConfiguredNetwork[]>;
  /** @throws OrlopError `unsupported` for a wish that cannot be had */
  plan(network: NetworkInfo, request: ConnectRequest, wishes: EndpointWishes): Promise<EndpointPlan>;
  /** @throws OrlopError `conflict` for a port that a program of the host has */
  checkPorts(ports: Endpoint["ports"]): Promise<void>;
  /** Where it fails, `unmake` is called. */
  make(job: EndpointJob): Promise<MadeEndpoint>;
  /** With `features.publishWhileRunning`: ports that are there already are no error. */
  publish?(job: EndpointJob, ports: Endpoint["ports"]): Promise<void>;
  unpublish?(job: EndpointJob, ports: Endpoint["ports"]): Promise<void>;
  /** Takes back all of it, or what there is of it; the namespace may be gone. */
  unmake(job: EndpointJob): Promise<void>;
  /** Whether it is worth being kept; its namespace is there. */
  isThere(job: EndpointJob): Promise<boolean>;
  /** @throws OrlopError where something of it is missing */
  check(job: EndpointJob): Promise<void>;
  /** Removes what belongs to no record; looks first for what there is, and asks for the records then. */
  removeStrays(known: () => readonly EndpointRecord[]): Promise<void>;
  close(): Promise<void>;
}
