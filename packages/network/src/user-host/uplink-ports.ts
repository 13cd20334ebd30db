import { OrlopError, type PublishedPort } from "@orlop/core";
import { type Connection, parseIpAddress } from "@orlop/kernel/netlink";
import type { Ports, PortWay } from "../bridge/port-way.ts";
import { addressOf } from "../bridge/rule-elements.ts";
import type { RuleElement, RuleSet } from "../bridge/rule-set.ts";
import { describePort } from "../ports/complete-ports.ts";
import { checkOwnPort } from "../ports/own-ports.ts";
import type { EndpointRecord, NetworkRecord } from "../records/network-records.ts";
import { UPLINK, type Uplink } from "./uplink.ts";
import type { HeldHost } from "./user-host.ts";

const PROTOCOLS: Readonly<Record<string, string>> = { tcp: "IPPROTO_TCP", udp: "IPPROTO_UDP" };

/** Ports of the machine that the process which leads out of the host listens on. */
export class UplinkPorts implements PortWay {
  readonly #host: HeldHost;
  readonly #uplink: Uplink;
  readonly #rules: RuleSet;

  constructor(host: HeldHost, uplink: Uplink, rules: RuleSet) {
    this.#host = host;
    this.#uplink = uplink;
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

  async check(port: Required<PublishedPort>): Promise<void> {
    const cannot = (problem: string): OrlopError =>
      new OrlopError("unsupported", `Cannot publish port "${describePort(port)}": ${problem}`);
    if (!Object.hasOwn(PROTOCOLS, port.protocol)) throw cannot(`an ordinary user has no ports of ${port.protocol}`);
    if (parseIpAddress(port.hostAddress).version === 6) throw cannot("an ordinary user has no ports of IPv6");
    await checkOwnPort(port);
  }

  async open(_: NetworkRecord, record: EndpointRecord, ports: Ports): Promise<void> {
    await this.#rules.add(this.elements(record, ports));
    await this.#publish(record, ports);
  }

  async repair(_: NetworkRecord, record: EndpointRecord): Promise<void> {
    await this.#publish(record, record.endpoint.ports);
  }

  async close(_: NetworkRecord, __: EndpointRecord, ports: Ports): Promise<void> {
    await this.#uplink.unpublish(this.#host, ports);
  }

  async settle(_: NetworkRecord, record: EndpointRecord): Promise<void> {
    const own = addressOf(record.endpoint.addresses, 4);
    if (own !== undefined) await this.#uplink.keepOnly(this.#host, record.endpoint.ports, own);
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

  async #publish({ endpoint }: EndpointRecord, ports: Ports): Promise<void> {
    const own = addressOf(endpoint.addresses, 4);
    if (own !== undefined) await this.#uplink.publish(this.#host, own, ports);
  }
}
