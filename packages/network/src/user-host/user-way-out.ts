import { hasIpv6 } from "../bridge/host-links.ts";
import type { WayOut } from "../bridge/host-side.ts";
import type { EndpointRecord, NetworkRecord } from "../records/network-records.ts";
import type { EntrancePortsParts } from "./entrance-ports.ts";
import { UPLINK } from "./uplink-arguments.ts";
import { UplinkPorts } from "./uplink-ports.ts";

const CONF = "/proc/sys/net/ipv4/conf";

/** How the host of an ordinary user's bridges leads out and in. */
export class UserWayOut implements WayOut {
  readonly names: readonly string[] = [UPLINK.names];
  readonly ports: UplinkPorts;
  readonly #parts: EntrancePortsParts;

  constructor(parts: EntrancePortsParts) {
    this.#parts = parts;
    this.ports = new UplinkPorts(parts);
  }

  async ensure(network: NetworkRecord): Promise<void> {
    const { host, uplink, namespace } = this.#parts;
    const isNew = await uplink.ensure(host);
    if (isNew) {
      // Has the host answer for addresses behind it on the way to it: RFC 1027.
      await namespace.writeFile(`${CONF}/${UPLINK.link}/proxy_arp`, "1");
      // Clients come in by another interface than the one that leads to them.
      await namespace.writeFile(`${CONF}/all/rp_filter`, "0");
    }
    if (hasIpv6(network.info.subnets)) await uplink.ensure6(host);
    // The one before has been killed, and its ports went with it.
    if (isNew) await this.#publish();
  }

  /** Has the processes listen on what is written down, and on nothing else; they are there as long as something leads out. */
  async settle(): Promise<void> {
    const { host, uplink, records } = this.#parts;
    const networks = this.#made().flatMap(({ endpoint }) => records.network(endpoint.network) ?? []);
    for (const network of new Set(networks)) if (!network.info.internal) await this.ensure(network);
    if (!uplink.isStarted(host)) return;
    // Who is about to connect has written down what it publishes.
    await this.ports.settleAll(records.endpoints());
    await this.#publish();
  }

  async #publish(): Promise<void> {
    for (const record of this.#made()) {
      const network = this.#parts.records.network(record.endpoint.network);
      if (network !== undefined && record.endpoint.ports.length > 0) await this.ports.repair(network, record);
    }
  }

  #made(): readonly EndpointRecord[] {
    return this.#parts.records.endpoints().filter(({ state }) => state === "made");
  }
}
