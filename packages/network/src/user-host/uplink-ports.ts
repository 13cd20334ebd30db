import { OrlopError, type PublishedPort } from "@orlop/core";
import { type Connection, parseIpAddress } from "@orlop/kernel/netlink";
import type { Ports, PortWay } from "../bridge/port-way.ts";
import type { RuleElement } from "../bridge/rule-set.ts";
import { describePort } from "../ports/complete-ports.ts";
import { checkOwnPort } from "../ports/own-ports.ts";
import type { EndpointRecord, NetworkRecord } from "../records/network-records.ts";
import { EntrancePorts, type EntrancePortsParts } from "./entrance-ports.ts";
import { SlirpPorts } from "./slirp-ports.ts";
import type { Uplink } from "./uplink.ts";
import type { HeldHost } from "./user-host.ts";

/** As conntrack has them. */
export const PROTOCOLS: Readonly<Record<string, string>> = { tcp: "IPPROTO_TCP", udp: "IPPROTO_UDP" };

/**
 * Ports of the machine that processes outside of the host listen on: those of IPv4 what leads out by it, and all others pasta.
 */
export class UplinkPorts implements PortWay {
  readonly #host: HeldHost;
  readonly #uplink: Uplink;
  readonly #slirp: SlirpPorts;
  readonly #entrances: EntrancePorts;

  constructor(parts: EntrancePortsParts) {
    const { host, uplink, rules } = parts;
    this.#host = host;
    this.#uplink = uplink;
    this.#slirp = new SlirpPorts(host, uplink.slirp, rules);
    this.#entrances = new EntrancePorts(parts);
  }

  elements(record: EndpointRecord, ports: Ports): readonly RuleElement[] {
    return this.#split(ports).flatMap(([way, own]) => way.elements(record, own));
  }

  async check(port: Required<PublishedPort>): Promise<void> {
    const cannot = (problem: string): OrlopError =>
      new OrlopError("unsupported", `Cannot publish port "${describePort(port)}": ${problem}`);
    if (!Object.hasOwn(PROTOCOLS, port.protocol)) throw cannot(`an ordinary user has no ports of ${port.protocol}`);
    if (parseIpAddress(port.hostAddress).version === 6) {
      const wayOut = "\nTry to install pasta, of the package passt.";
      if (!this.#uplink.hasPasta()) throw cannot(`slirp4netns has no ports of IPv6${wayOut}`);
      if (port.hostAddress === "::1") throw cannot("nothing leads there from ::1\nTry 127.0.0.1.");
      if (this.#uplink.outside6() === undefined) throw cannot("this machine has no address of IPv6");
    }
    await checkOwnPort(port);
  }

  async open(network: NetworkRecord, record: EndpointRecord, ports: Ports): Promise<void> {
    for (const [way, own] of this.#split(ports)) if (own.length > 0) await way.open(network, record, own);
  }

  async repair(network: NetworkRecord, record: EndpointRecord): Promise<void> {
    for (const [way, own] of this.#split(record.endpoint.ports)) await way.repair(network, withPorts(record, own));
  }

  async close(network: NetworkRecord, record: EndpointRecord, ports: Ports): Promise<void> {
    for (const [way, own] of this.#split(ports)) await way.close(network, record, own);
  }

  isOf(record: EndpointRecord, ports: Ports): (connection: Connection) => boolean {
    const each = this.#split(ports).map(([way, own]) => way.isOf(record, own));
    return (connection) => each.some((isOf) => isOf(connection));
  }

  async settle(network: NetworkRecord, record: EndpointRecord): Promise<void> {
    for (const [way, own] of this.#split(record.endpoint.ports)) await way.settle(network, withPorts(record, own));
  }

  /** Has the processes listen on what is written of these, and on nothing else. */
  async settleAll(records: readonly EndpointRecord[]): Promise<void> {
    const [[, own], [, others]] = this.#split(records.flatMap(({ endpoint }) => endpoint.ports));
    await this.#slirp.settleAll(own);
    const kept = new Set(others);
    await this.#entrances.settleAll(
      records.map((each) =>
        withPorts(
          each,
          each.endpoint.ports.filter((port) => kept.has(port)),
        ),
      ),
    );
  }

  /** Those of IPv4 come in by what leads out; whatever else there is, by pasta. */
  #split(ports: Ports): readonly [readonly [SlirpPorts, Ports], readonly [EntrancePorts, Ports]] {
    const isSlirp = this.#uplink.program(this.#host) === "slirp4netns";
    const own = ports.filter(({ hostAddress }) => isSlirp && parseIpAddress(hostAddress).version === 4);
    return [
      [this.#slirp, own],
      [this.#entrances, ports.filter((port) => !own.includes(port))],
    ];
  }
}

function withPorts(record: EndpointRecord, ports: Ports): EndpointRecord {
  return { ...record, endpoint: { ...record.endpoint, ports } };
}
