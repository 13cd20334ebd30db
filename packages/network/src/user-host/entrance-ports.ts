import { OrlopError } from "@orlop/core";
import type { Connection, NetlinkRequest, RelayNamespace } from "@orlop/kernel/netlink";
import { addRoute, addRule, changeLink, deleteRule, getLink, listRules } from "@orlop/kernel/rtnetlink";
import { WITHOUT_IPV6 } from "../bridge/host-links.ts";
import type { Ports, PortWay } from "../bridge/port-way.ts";
import { isOnLoopback, RulePorts } from "../bridge/rule-ports.ts";
import type { RuleElement, RuleSet } from "../bridge/rule-set.ts";
import { pastaPorts } from "../pasta/pasta-ports.ts";
import type { EndpointRecord, NetworkRecord, NetworkRecords } from "../records/network-records.ts";
import { type Entrance, endpointKey, entranceOf, hostKey } from "./entrance.ts";
import type { Uplink } from "./uplink.ts";
import { addressArguments, namespaceArguments, UPLINK, UPLINK_MTU, UPLINK6 } from "./uplink-arguments.ts";
import { PROTOCOLS } from "./uplink-ports.ts";
import type { HeldHost } from "./user-host.ts";

/** Of the rules by which answers find their routes: before those of the table of all others. */
const RULE_PRIORITY = 100;
const LOOPBACK6 = "lo";

export interface EntrancePortsParts {
  readonly host: HeldHost;
  readonly uplink: Uplink;
  readonly rules: RuleSet;
  readonly namespace: RelayNamespace;
  readonly records: NetworkRecords;
}

/**
 * Ports of the machine that processes of pasta(1) listen on, one for each: it takes its ports when it starts, and so nothing has to
 * be started anew, and no connection is cut, when others come and go.
 */
export class EntrancePorts implements PortWay {
  readonly #parts: EntrancePortsParts;
  readonly #loopback: RulePorts;

  constructor(parts: EntrancePortsParts) {
    this.#parts = parts;
    this.#loopback = new RulePorts(parts.namespace, parts.rules, parts.records);
  }

  elements(record: EndpointRecord, ports: Ports): readonly RuleElement[] {
    const own = this.#entrances(record, ports).flatMap(({ elements }) => elements);
    return [...own, ...this.#loopback.elements(record, this.#onLoopback(record, ports))];
  }

  async check(): Promise<void> {}

  async open(network: NetworkRecord, record: EndpointRecord, ports: Ports): Promise<void> {
    await this.#parts.rules.ensure(this.elements(record, ports));
    await this.#loopback.repair(network);
    for (const each of this.#entrances(record, ports)) await this.#open(each);
  }

  async repair(network: NetworkRecord, record: EndpointRecord, ports: Ports = record.endpoint.ports): Promise<void> {
    if (ports.length > 0) await this.open(network, record, ports);
  }

  async close(network: NetworkRecord, record: EndpointRecord, ports: Ports): Promise<void> {
    for (const { key, version, mark } of this.#entrances(record, ports)) {
      await this.#parts.uplink.entrances.end(key);
      await this.#removeRule(version, mark);
    }
    await this.#loopback.close(network);
  }

  async settle(network: NetworkRecord, record: EndpointRecord): Promise<void> {
    const { host } = this.#parts;
    await this.#loopback.settle(network);
    await this.#keepOnly(this.#entrances(record, record.endpoint.ports), endpointKey(host, record));
  }

  /** Leaves those of these endpoints, and nothing else. */
  async settleAll(records: readonly EndpointRecord[]): Promise<void> {
    const kept = records.flatMap((each) => this.#entrances(each, each.endpoint.ports));
    await this.#keepOnly(kept, hostKey(this.#parts.host));
    const marks = new Set(kept.map(({ mark }) => mark));
    for (const { family, priority, mark } of await this.#parts.namespace.values("route", listRules())) {
      if (priority !== RULE_PRIORITY || mark === undefined || marks.has(mark)) continue;
      await this.#removeRule(family === "AF_INET6" ? 6 : 4, mark);
    }
  }

  isOf({ endpoint }: EndpointRecord, ports: Ports): (connection: Connection) => boolean {
    const own = new Set(endpoint.addresses.map((each) => each.split("/", 1)[0]));
    return ({ original, reply }) =>
      own.has(reply.source) &&
      ports.some(
        ({ protocol, containerPort, count }) =>
          original.protocol === PROTOCOLS[protocol] &&
          (reply.sourcePort ?? 0) >= containerPort &&
          (reply.sourcePort ?? 0) < containerPort + count,
      );
  }

  #entrances(record: EndpointRecord, ports: Ports): readonly Entrance[] {
    return ports.flatMap((port) => entranceOf(this.#parts.host, record, port) ?? []);
  }

  /** What comes from the machine's loopback, pasta connects from within to the host's. */
  #onLoopback(record: EndpointRecord, ports: Ports): Ports {
    return this.#entrances(record, ports.filter(isOnLoopback)).map(({ port, inside }) => {
      return { ...port, hostAddress: "127.0.0.1", hostPort: inside };
    });
  }

  async #open(entrance: Entrance): Promise<void> {
    const { host, uplink, namespace } = this.#parts;
    const { key, link, port, own, version, hardwareAddress, mark, inside } = entrance;
    if (!uplink.entrances.isThere(key)) {
      await uplink.entrances.end(key);
      const complaint = await uplink.entrances.start(key, [
        ...addressArguments({ own, gateway: version === 6 ? UPLINK6.gateway : UPLINK.gateway }, this.#outside(version)),
        ...["--ns-ifname", link, "--ns-mac-addr", hardwareAddress],
        ...pastaPorts("--tcp-ports", [{ ...port, containerPort: inside }], "tcp"),
        ...pastaPorts("--udp-ports", [{ ...port, containerPort: inside }], "udp"),
        ...namespaceArguments(host),
      ]);
      if (complaint !== undefined) throw refusal(entrance, complaint);
    }
    const [found] = await namespace.values("route", getLink(link));
    if (found === undefined) throw refusal(entrance, `it has made no interface "${link}"`);
    const { index, flags } = found;
    if (!flags.includes("IFF_UP")) {
      await namespace.writeFile(`/proc/sys/net/ipv4/conf/${link}/rp_filter`, "0");
      const settings = { address: hardwareAddress, mtu: UPLINK_MTU, set: ["IFF_NOARP"] } as const;
      await namespace.route(changeLink(index, { ...settings, ...WITHOUT_IPV6 }), changeLink(index, { up: true }));
    }
    const destination = version === 6 ? "::/0" : "0.0.0.0/0";
    await namespace.route(addRoute({ destination, outputInterface: index, table: mark }, { mode: "replace" }));
    await unless("exists", namespace, addRule(ruleOf(version, mark)));
  }

  /** Where pasta learns from that there is IPv6. */
  #outside(version: 4 | 6): string | undefined {
    return version === 6 ? (this.#parts.uplink.outside6() ?? LOOPBACK6) : undefined;
  }

  async #removeRule(version: 4 | 6, mark: number): Promise<void> {
    await unless("not-found", this.#parts.namespace, deleteRule(ruleOf(version, mark)));
  }

  async #keepOnly(kept: readonly Entrance[], start: string): Promise<void> {
    const { entrances } = this.#parts.uplink;
    const keys = new Set(kept.map(({ key }) => key));
    for (const key of entrances.keys()) if (key.startsWith(start) && !keys.has(key)) await entrances.end(key);
  }
}

function ruleOf(version: 4 | 6, mark: number): Parameters<typeof addRule>[0] {
  return { family: version === 6 ? "AF_INET6" : "AF_INET", mark, table: mark, priority: RULE_PRIORITY };
}

/** Sends one; that error is none. */
async function unless(code: OrlopError["code"], namespace: RelayNamespace, request: NetlinkRequest): Promise<void> {
  try {
    await namespace.route(request);
  } catch (error) {
    if (!(error instanceof OrlopError && error.code === code)) throw error;
  }
}

function refusal({ port }: Entrance, said: string): OrlopError {
  // Somebody has bound it since it was looked at.
  const code = said.startsWith("Failed to bind") ? "conflict" : "failed";
  return new OrlopError(code, `Cannot publish port ${port.hostPort} of ${port.hostAddress}: pasta says "${said}"`);
}
