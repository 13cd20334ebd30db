import type { EgressPolicy, PublishedPort, Resolvers } from "@orlop/core";
import { OrlopError } from "@orlop/core";
import type { RelayNamespace } from "@orlop/kernel/netlink";
import { withFound } from "../egress/name-rules.ts";
import type { EndpointRecord, FoundAddress, NetworkRecord, NetworkRecords } from "../records/network-records.ts";
import { hostResolvers } from "../resolvers.ts";
import { endConnections, isForbidden, isOfEndpoint } from "./connections.ts";
import { attach, makePair } from "./endpoint-links.ts";
import { ensureBridge, findLink, hasIpv6, linkNames, removeLink } from "./host-links.ts";
import { isForwarding, switchForwardingOn } from "./host-settings.ts";
import type { Ports, PortWay } from "./port-way.ts";
import { closedElement, egressElements, foundElements, networkElements, ownElements } from "./rule-elements.ts";
import { RulePorts } from "./rule-ports.ts";
import { type RuleElement, RuleSet } from "./rule-set.ts";

/** What leads out of a host that is not the machine's own. */
export interface WayOut {
  readonly ports: PortWay;
  /** Servers for names where the machine's own are on its loopback alone. */
  readonly names: readonly string[];
  /** Makes it where it is not there. */
  ensure(network: NetworkRecord): Promise<void>;
  /** Has it say what the records do. */
  settle(): Promise<void>;
}

interface HostSideParts {
  readonly namespace: RelayNamespace;
  readonly records: NetworkRecords;
  /** Tells this host from others, and from itself before a restart. */
  readonly identity: string;
  /** Absent: the host is the machine's own, and leads out by itself. */
  readonly wayOut?: (rules: RuleSet) => WayOut;
}

/** What networks and endpoints are in the kernel of the host: links, rules and settings. Every method may be repeated. */
export class HostSide {
  readonly namespace: RelayNamespace;
  readonly rules: RuleSet;
  readonly #records: NetworkRecords;
  readonly #identity: string;
  readonly #ports: PortWay;
  readonly #wayOut: WayOut | undefined;

  constructor({ namespace, records, identity, wayOut }: HostSideParts) {
    this.namespace = namespace;
    this.#identity = identity;
    this.rules = new RuleSet(namespace, records.owner());
    this.#records = records;
    this.#wayOut = wayOut?.(this.rules);
    this.#ports = this.#wayOut?.ports ?? new RulePorts(namespace, this.rules, records);
  }

  /** What endpoints that ask no server of ours are told of names. */
  resolvers(): Resolvers {
    const host = hostResolvers();
    return host.servers.length > 0 ? host : { ...host, servers: this.#wayOut?.names ?? [] };
  }

  /** Whether it may be gone while the namespaces of endpoints are there still, which are connected once more then. */
  get isApart(): boolean {
    return this.#wayOut !== undefined;
  }

  async settleWayOut(): Promise<void> {
    await this.#wayOut?.settle();
  }

  /** What the rules know of an endpoint. */
  elements(record: EndpointRecord): readonly RuleElement[] {
    return [...ownElements(record), ...this.#ports.elements(record, record.endpoint.ports)];
  }

  /** The rules come first: what is connected is guarded from its first packet on. */
  async ensureNetwork(network: NetworkRecord): Promise<void> {
    await this.rules.ensure([...networkElements(network), ...this.#closedElements()]);
    await ensureBridge(this.namespace, network);
    if (network.info.internal) return;
    await this.#wayOut?.ensure(network);
    await this.#ensureForwarding(4);
    if (hasIpv6(network.info.subnets)) await this.#ensureForwarding(6);
  }

  /** Puts back what somebody else has taken. */
  async ensureClosedLinks(): Promise<void> {
    const elements = this.#closedElements();
    if (elements.length > 0) await this.rules.ensure(elements);
  }

  #closedElements(): readonly RuleElement[] {
    return this.#records.closedLinks(this.#identity).map(closedElement);
  }

  /** Of what is there already, nothing is to lead to anywhere else only because containers want to get out. */
  async #ensureForwarding(version: 4 | 6): Promise<void> {
    if (await isForwarding(this.namespace, version)) return;
    const own = new Set([...this.#records.networks(), ...this.#records.endpoints()].map(({ link }) => link));
    const others = [...(await linkNames(this.namespace))].filter((link) => link !== "lo" && !own.has(link));
    this.#records.closeLinks(this.#identity, version, others);
    await this.ensureClosedLinks();
    await switchForwardingOn(this.namespace, version);
  }

  async removeNetwork(network: NetworkRecord): Promise<void> {
    await removeLink(this.namespace, network.link);
    // Not by what the record says: who answers names may have been killed before the rules said the same.
    const { elements } = await this.rules.list();
    await this.rules.remove(elements.filter(({ link }) => link === network.link));
  }

  async connect(network: NetworkRecord, record: EndpointRecord, inside: RelayNamespace): Promise<void> {
    await this.ensureNetwork(network);
    await this.rules.ensure(ownElements(record));
    await makePair(this.namespace, inside, network, record);
    await this.publish(network, record, record.endpoint.ports);
  }

  /** Puts back what somebody else has taken from an endpoint's side on the host. */
  async repair(network: NetworkRecord, record: EndpointRecord): Promise<void> {
    await this.ensureNetwork(network);
    await this.rules.ensure(this.elements(record));
    await attach(this.namespace, network, record.link);
    await this.#ports.repair(network, record);
  }

  async hasLink(link: string): Promise<boolean> {
    return (await findLink(this.namespace, link)) !== undefined;
  }

  /** The other end goes with the host's, wherever it is. */
  async disconnect(network: NetworkRecord, record: EndpointRecord): Promise<void> {
    await removeLink(this.namespace, record.link);
    await this.rules.remove(this.elements(record));
    await this.#ports.close(network, record, record.endpoint.ports);
    await endConnections(this.namespace, isOfEndpoint(record.endpoint.addresses));
  }

  /** Takes away what a connect that failed, or whose process has died, has got to. */
  async undoConnect(network: NetworkRecord, record: EndpointRecord): Promise<void> {
    await removeLink(this.namespace, record.link);
    // Only what is ours: it may have failed for an element that is somebody else's.
    const { elements } = await this.rules.list();
    await this.rules.remove(elements.filter(({ link }) => link === record.link));
    await this.#ports.close(network, record, record.endpoint.ports);
    await endConnections(this.namespace, isOfEndpoint(record.endpoint.addresses));
  }

  async publish(network: NetworkRecord, record: EndpointRecord, ports: Ports): Promise<void> {
    if (ports.length > 0) await this.#ports.open(network, record, ports);
  }

  /** @param record as it was before */
  async unpublish(network: NetworkRecord, record: EndpointRecord, gone: Ports): Promise<void> {
    const { endpoint } = record;
    const left = endpoint.ports.filter((port) => !gone.includes(port));
    const kept = new Set(this.#ports.elements(record, left).map(identityOf));
    // Two ports of the host may lead to one of the endpoint.
    await this.rules.remove(this.#ports.elements(record, gone).filter((each) => !kept.has(identityOf(each))));
    await this.#ports.close(network, record, gone);
    await endConnections(this.namespace, this.#ports.isOf(record, gone));
  }

  /** Leaves of an endpoint's ports in the kernel those that are written of it. */
  async settlePorts(network: NetworkRecord, record: EndpointRecord): Promise<void> {
    const wanted = new Set(this.elements(record).map(identityOf));
    const { elements } = await this.rules.list();
    const own = elements.filter(({ link }) => link === record.link);
    await this.rules.remove(own.filter((each) => !wanted.has(identityOf(each))));
    await this.#ports.settle(network, record);
  }

  /** @throws OrlopError `conflict` for a port that a program of the host has */
  async checkPorts(ports: readonly Required<PublishedPort>[]): Promise<void> {
    for (const port of ports) await this.#ports.check(port);
  }

  /** One transaction of the kernel's: no packet meets a policy that is neither the old one nor the new one. */
  async changeEgress(record: EndpointRecord, policy: EgressPolicy): Promise<void> {
    const { endpoint, found = [] } = record;
    const changed = { ...record, endpoint: { ...endpoint, egress: policy } };
    await this.#replace(egressElements(record), egressElements(changed));
    const rules = policy === "all" ? policy : { allow: withFound(policy.allow, found) };
    await endConnections(this.namespace, isForbidden(endpoint.addresses, rules));
  }

  /** Lets out to what was found, from now on for as long as it is valid. */
  async letOut(record: EndpointRecord, found: readonly FoundAddress[]): Promise<void> {
    const elements = foundElements(record, found);
    try {
      // Where there is one already, its time begins anew only so.
      await this.rules.replace(elements, elements);
    } catch (error) {
      if (!(error instanceof OrlopError && error.code === "not-found")) throw error;
      await this.rules.remove(elements);
      await this.rules.ensure(elements);
    }
  }

  async changeAnswers(old: NetworkRecord, changed: NetworkRecord): Promise<void> {
    await this.#replace(networkElements(old), networkElements(changed));
  }

  /** Puts some elements in the place of others; what is in both stays. */
  async #replace(old: readonly RuleElement[], changed: readonly RuleElement[]): Promise<void> {
    const identity = ({ set, key, value = [] }: RuleElement): string => JSON.stringify([set, key, value]);
    const [before, after] = [old, changed].map((list) => new Set(list.map(identity)));
    const gone = old.filter((each) => after?.has(identity(each)) !== true);
    const come = changed.filter((each) => before?.has(identity(each)) !== true);
    await this.rules.ensureTablesFor(changed);
    try {
      await this.rules.replace(gone, come);
    } catch (error) {
      if (!(error instanceof OrlopError && error.code === "not-found")) throw error;
      // Its time has run out meanwhile, or somebody has taken all rules of the machine away.
      await this.rules.remove(gone);
      await this.rules.add(come);
    }
  }
}

function identityOf({ set, key }: RuleElement): string {
  return JSON.stringify([set, key]);
}
