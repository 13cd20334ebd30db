import type { WayOut } from "../bridge/host-side.ts";
import type { PortWay } from "../bridge/port-way.ts";
import { addressOf } from "../bridge/rule-elements.ts";
import type { RuleSet } from "../bridge/rule-set.ts";
import type { NetworkRecords } from "../records/network-records.ts";
import { UPLINK, type Uplink } from "./uplink.ts";
import { UplinkPorts } from "./uplink-ports.ts";
import type { HeldHost } from "./user-host.ts";

/** Has the host answer for addresses behind it on the way to it: RFC 1027. */
const PROXY_ARP = `/proc/sys/net/ipv4/conf/${UPLINK.link}/proxy_arp`;

interface UserWayOutParts {
  readonly host: HeldHost;
  readonly uplink: Uplink;
  readonly rules: RuleSet;
  readonly records: NetworkRecords;
  /** Writes to a file of the host's /proc/sys/net. */
  readonly write: (path: string, text: string) => Promise<void>;
}

/** How the host of an ordinary user's bridges leads out and in. */
export class UserWayOut implements WayOut {
  readonly names: readonly string[] = [UPLINK.names];
  readonly ports: PortWay;
  readonly #parts: UserWayOutParts;

  constructor(parts: UserWayOutParts) {
    this.#parts = parts;
    this.ports = new UplinkPorts(parts.host, parts.uplink, parts.rules);
  }

  async ensure(): Promise<void> {
    const { host, uplink, write } = this.#parts;
    if (!(await uplink.ensure(host))) return;
    await write(PROXY_ARP, "1");
    // The one before has been killed, and its ports went with it.
    for (const { own, ports } of this.#published()) await uplink.publish(host, own, ports);
  }

  /** Has the process listen on what is written down, and on nothing else; it is there as long as something leads out. */
  async settle(): Promise<void> {
    const { host, uplink, records } = this.#parts;
    const leadsOut = records
      .endpoints()
      .some(({ endpoint, state }) => state === "made" && records.network(endpoint.network)?.info.internal === false);
    if (leadsOut) await this.ensure();
    if (!uplink.isThere(host)) return;
    const known = this.#published();
    await uplink.keepOnly(
      host,
      known.flatMap(({ ports }) => ports),
    );
    for (const { own, ports } of known) await uplink.publish(host, own, ports);
  }

  #published(): readonly { readonly own: string; readonly ports: Parameters<Uplink["publish"]>[2] }[] {
    return this.#parts.records.endpoints().flatMap(({ endpoint, state }) => {
      const own = addressOf(endpoint.addresses, 4);
      return own === undefined || state !== "made" ? [] : [{ own, ports: endpoint.ports }];
    });
  }
}
