import type { Connection } from "@orlop/kernel/netlink";
import type { Ports, PortWay } from "../bridge/port-way.ts";
import { addressOf } from "../bridge/rule-elements.ts";
import type { RuleElement, RuleSet } from "../bridge/rule-set.ts";
import type { EndpointRecord, NetworkRecord } from "../records/network-records.ts";
import type { SlirpProcesses } from "../slirp/slirp-process.ts";
import { hostKey } from "./entrance.ts";
import { UPLINK } from "./uplink-arguments.ts";
import { PROTOCOLS } from "./uplink-ports.ts";
import type { HeldHost } from "./user-host.ts";

/** Ports of the machine that slirp4netns(1) listens on, which gives and takes them while it runs: of IPv4. */
export class SlirpPorts implements PortWay {
  readonly #key: string;
  readonly #processes: SlirpProcesses;
  readonly #rules: RuleSet;

  constructor(host: HeldHost, processes: SlirpProcesses, rules: RuleSet) {
    this.#key = hostKey(host);
    this.#processes = processes;
    this.#rules = rules;
  }

  elements({ endpoint, link }: EndpointRecord, ports: Ports): readonly RuleElement[] {
    const own = addressOf(endpoint.addresses, 4);
    if (own === undefined) return [];
    return ports.flatMap(({ protocol, containerPort, count }) =>
      Array.from({ length: count }, (_, index): RuleElement => {
        return { set: "admitted4", key: [UPLINK.link, own, protocol, containerPort + index], link };
      }),
    );
  }

  async check(): Promise<void> {}

  async open(_: NetworkRecord, record: EndpointRecord, ports: Ports): Promise<void> {
    await this.#rules.add(this.elements(record, ports));
    await this.publish(record, ports);
  }

  async repair(_: NetworkRecord, record: EndpointRecord): Promise<void> {
    await this.publish(record, record.endpoint.ports);
  }

  async close(_: NetworkRecord, __: EndpointRecord, ports: Ports): Promise<void> {
    // With its process they are gone.
    if (ports.length > 0 && this.isThere) await this.#processes.unpublish(this.#key, ports);
  }

  async settle(_: NetworkRecord, { endpoint }: EndpointRecord): Promise<void> {
    const own = addressOf(endpoint.addresses, 4);
    if (own !== undefined && this.isThere) await this.#processes.keepOnly(this.#key, endpoint.ports, own);
  }

  /** Leaves these, and nothing else. */
  async settleAll(ports: Ports): Promise<void> {
    if (this.isThere) await this.#processes.keepOnly(this.#key, ports);
  }

  isOf({ endpoint }: EndpointRecord, ports: Ports): (connection: Connection) => boolean {
    const own = addressOf(endpoint.addresses, 4);
    return ({ original }) =>
      original.destination === own &&
      ports.some(
        ({ protocol, containerPort, count }) =>
          original.protocol === PROTOCOLS[protocol] &&
          (original.destinationPort ?? 0) >= containerPort &&
          (original.destinationPort ?? 0) < containerPort + count,
      );
  }

  async publish({ endpoint }: EndpointRecord, ports: Ports): Promise<void> {
    const own = addressOf(endpoint.addresses, 4);
    if (own !== undefined) await this.#processes.publish(this.#key, own, ports);
  }

  get isThere(): boolean {
    return this.#processes.isThere(this.#key);
  }
}
