import { OrlopError, type PublishedPort } from "@orlop/core";
import { type Connection, parseIpAddress, type RelayNamespace } from "@orlop/kernel/netlink";
import { checkHostPorts } from "../ports/host-ports.ts";
import type { EndpointRecord, NetworkRecord, NetworkRecords } from "../records/network-records.ts";
import { isOfPorts } from "./connections.ts";
import { setRouteLocalnet } from "./host-settings.ts";
import type { Ports, PortWay } from "./port-way.ts";
import { portElements } from "./rule-elements.ts";
import type { RuleElement, RuleSet } from "./rule-set.ts";

/** Ports that the rules of the host lead on: no process is there for them. */
export class RulePorts implements PortWay {
  readonly #namespace: RelayNamespace;
  readonly #rules: RuleSet;
  readonly #records: NetworkRecords;

  constructor(namespace: RelayNamespace, rules: RuleSet, records: NetworkRecords) {
    this.#namespace = namespace;
    this.#rules = rules;
    this.#records = records;
  }

  elements({ endpoint, link }: EndpointRecord, ports: Ports): readonly RuleElement[] {
    return ports.flatMap((port) => portElements(endpoint, port, link));
  }

  async check(port: Required<PublishedPort>): Promise<void> {
    await checkHostPorts(this.#namespace, port);
  }

  async open(network: NetworkRecord, record: EndpointRecord, ports: Ports): Promise<void> {
    try {
      await this.#rules.add(this.elements(record, ports));
    } catch (error) {
      if (!(error instanceof OrlopError && error.errno === "EBUSY")) throw error;
      const problem = "networks of another owner on this machine have one of these ports published";
      throw new OrlopError("conflict", `Cannot publish ports of endpoint "${record.endpoint.id}": ${problem}`, {
        cause: error,
      });
    }
    try {
      await this.#settleLoopback(network);
    } catch (error) {
      await this.#rules.remove(this.elements(record, ports));
      throw error;
    }
  }

  async repair(network: NetworkRecord): Promise<void> {
    await this.#settleLoopback(network);
  }

  async close(network: NetworkRecord): Promise<void> {
    await this.#settleLoopback(network);
  }

  isOf({ endpoint }: EndpointRecord, ports: Ports): (connection: Connection) => boolean {
    return isOfPorts(endpoint.addresses, ports);
  }

  async settle(network: NetworkRecord): Promise<void> {
    await this.#settleLoopback(network);
  }

  /** A bridge routes loopback addresses as long as one of its endpoints has a port published on them. */
  async #settleLoopback(network: NetworkRecord): Promise<void> {
    const isWanted = (): boolean =>
      this.#records
        .endpoints(network.info.id)
        .some(({ endpoint, state }) => state !== "ending" && endpoint.ports.some(isOnLoopback));
    await setRouteLocalnet(this.#namespace, network.link, isWanted());
    // Another process may have published one in between, and switched it on before this one switched it off.
    if (isWanted()) await setRouteLocalnet(this.#namespace, network.link, true);
  }
}

/** Whether the host's loopback leads to it. */
export function isOnLoopback({ hostAddress }: Required<PublishedPort>): boolean {
  const { version, bytes } = parseIpAddress(hostAddress);
  return version === 4 && (bytes[0] === 127 || hostAddress === "0.0.0.0");
}
