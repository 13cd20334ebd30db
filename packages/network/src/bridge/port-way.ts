import type { PublishedPort } from "@orlop/core";
import type { Connection } from "@orlop/kernel/netlink";
import type { EndpointRecord, NetworkRecord } from "../records/network-records.ts";
import type { RuleElement } from "./rule-set.ts";

export type Ports = readonly Required<PublishedPort>[];

/** How ports of the host lead to endpoints. Every method may be repeated. */
export interface PortWay {
  /** What the rules have of ports, each by itself. */
  elements(record: EndpointRecord, ports: Ports): readonly RuleElement[];
  /** @throws OrlopError `conflict` for a port that a program of the host has, `unsupported`, `invalid`, `denied` */
  check(port: Required<PublishedPort>): Promise<void>;
  /** Adds ports, all or none, elements included. @throws OrlopError `conflict` */
  open(network: NetworkRecord, record: EndpointRecord, ports: Ports): Promise<void>;
  /** Puts back what somebody else has taken of an endpoint's ports, but for elements. */
  repair(network: NetworkRecord, record: EndpointRecord): Promise<void>;
  /** Takes back ports whose elements are gone. */
  close(network: NetworkRecord, record: EndpointRecord, ports: Ports): Promise<void>;
  /** Whether a connection came by one of the ports. */
  isOf(record: EndpointRecord, ports: Ports): (connection: Connection) => boolean;
  /** Leaves of an endpoint's ports those that are written of it; elements have been seen to. */
  settle(network: NetworkRecord, record: EndpointRecord): Promise<void>;
}
