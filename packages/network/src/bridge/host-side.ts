import { type EgressPolicy, OrlopError, type PublishedPort } from "@orlop/core";
import { parseIpAddress, type RelayNamespace } from "@orlop/kernel/netlink";
import { withFound } from "../egress/name-rules.ts";
import { checkHostPorts } from "../ports/host-ports.ts";
import type { EndpointRecord, FoundAddress, NetworkRecord, NetworkRecords } from "../records/network-records.ts";
import { endConnections, isForbidden, isOfEndpoint, isOfPorts } from "./connections.ts";
import { attach, makePair } from "./endpoint-links.ts";
import { ensureBridge, findLink, hasIpv6, linkNames, removeLink } from "./host-links.ts";
import { isForwarding, setRouteLocalnet, switchForwardingOn } from "./host-settings.ts";
import {
  closedElement,
  egressElements,
  endpointElements,
  foundElements,
  networkElements,
  ownElements,
  portElements,
} from "./rule-elements.ts";
import { type RuleElement, RuleSet } from "./rule-set.ts";

/** What networks and endpoints are in the kernel of the host: links, rules and settings. Every method may be repeated. */
export class HostSide {
  readonly namespace: RelayNamespace;
  readonly rules: RuleSet;
  readonly #records: NetworkRecords;
  readonly #identity: string;

  /** @param identity tells this host from others, and from itself before a restart */
  constructor(namespace: RelayNamespace, records: NetworkRecords, identity: string) {
    this.namespace = namespace;
    this.#identity = identity;
    this.rules = new RuleSet(namespace, records.owner());
    this.#records = records;
  }

  /** The rules come first: what is connected is guarded from its first packet on. */
  async ensureNetwork(network: NetworkRecord): Promise<void> {
    await this.rules.ensure([...networkElements(network), ...this.#closedElements()]);
    await ensureBridge(this.namespace, network);
    if (network.info.internal) return;
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
    await this.rules.ensure(endpointElements(record));
    await attach(this.namespace, network, record.link);
    await this.#settleLoopback(network);
  }

  async hasLink(link: string): Promise<boolean> {
    return (await findLink(this.namespace, link)) !== undefined;
  }

  /** The other end goes with the host's, wherever it is. */
  async disconnect(network: NetworkRecord, record: EndpointRecord): Promise<void> {
    await removeLink(this.namespace, record.link);
    await this.rules.remove(endpointElements(record));
    await this.#settleLoopback(network);
    await endConnections(this.namespace, isOfEndpoint(record.endpoint.addresses));
  }

  /** Takes away what a connect that failed, or whose process has died, has got to. */
  async undoConnect(network: NetworkRecord, record: EndpointRecord): Promise<void> {
    await removeLink(this.namespace, record.link);
    // Only what is ours: it may have failed for an element that is somebody else's.
    const { elements } = await this.rules.list();
    await this.rules.remove(elements.filter(({ link }) => link === record.link));
    await this.#settleLoopback(network);
    await endConnections(this.namespace, isOfEndpoint(record.endpoint.addresses));
  }

  async publish(
    network: NetworkRecord,
    { endpoint, link }: EndpointRecord,
    ports: readonly Required<PublishedPort>[],
  ): Promise<void> {
    if (ports.length === 0) return;
    try {
      await this.rules.add(ports.flatMap((port) => portElements(endpoint, port, link)));
    } catch (error) {
      if (!(error instanceof OrlopError && error.errno === "EBUSY")) throw error;
      const problem = "networks of another owner on this machine have one of these ports published";
      throw new OrlopError("conflict", `Cannot publish ports of endpoint "${endpoint.id}": ${problem}`, {
        cause: error,
      });
    }
    try {
      await this.#settleLoopback(network);
    } catch (error) {
      await this.rules.remove(ports.flatMap((port) => portElements(endpoint, port, link)));
      throw error;
    }
  }

  async unpublish(
    network: NetworkRecord,
    { endpoint, link }: EndpointRecord,
    ports: readonly Required<PublishedPort>[],
  ): Promise<void> {
    await this.rules.remove(ports.flatMap((port) => portElements(endpoint, port, link)));
    await this.#settleLoopback(network);
    await endConnections(this.namespace, isOfPorts(endpoint.addresses, ports));
  }

  /** Leaves of an endpoint's ports in the kernel those that are written of it. */
  async settlePorts(network: NetworkRecord, record: EndpointRecord): Promise<void> {
    const wanted = new Set(endpointElements(record).map(({ set, key }) => JSON.stringify([set, key])));
    const { elements } = await this.rules.list();
    const own = elements.filter(({ link }) => link === record.link);
    await this.rules.remove(own.filter(({ set, key }) => !wanted.has(JSON.stringify([set, key]))));
    await this.#settleLoopback(network);
  }

  /** @throws OrlopError `conflict` for a port that a program of the host has */
  async checkPorts(ports: readonly Required<PublishedPort>[]): Promise<void> {
    for (const port of ports) await checkHostPorts(this.namespace, port);
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

  /** A bridge routes loopback addresses as long as one of its endpoints has a port published on them. */
  async #settleLoopback(network: NetworkRecord): Promise<void> {
    const isWanted = (): boolean =>
      this.#records
        .endpoints(network.info.id)
        .some(({ endpoint, state }) => state !== "ending" && endpoint.ports.some(isOnLoopback));
    await setRouteLocalnet(this.namespace, network.link, isWanted());
    // Another process may have published one in between, and switched it on before this one switched it off.
    if (isWanted()) await setRouteLocalnet(this.namespace, network.link, true);
  }
}

function isOnLoopback({ hostAddress }: Required<PublishedPort>): boolean {
  const { version, bytes } = parseIpAddress(hostAddress);
  return version === 4 && (bytes[0] === 127 || hostAddress === "0.0.0.0");
}
