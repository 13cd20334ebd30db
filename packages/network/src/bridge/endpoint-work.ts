import { type ConnectRequest, type Endpoint, OrlopError, type PublishedPort } from "@orlop/core";
import { isMarkAlive } from "@orlop/kernel";
import type { NetworkRelay, RelayNamespace } from "@orlop/kernel/netlink";
import { isNamespaceThere, namespaceIdentity, namespacePath } from "../namespace-path.ts";
import { completePorts, rangeOf, samePort } from "../ports/complete-ports.ts";
import type { EndpointRecord, EndpointWishes, NetworkRecord, NetworkRecords } from "../records/network-records.ts";
import { hardwareAddressFor, takeAddresses, takePorts } from "./allocate-endpoint.ts";
import { defaultRouteVersions, freeInterfaceName } from "./endpoint-links.ts";
import { checkPortsFit, defaultRoutes, endpointWishes } from "./endpoint-wishes.ts";
import { handOverRoutes } from "./hand-over-routes.ts";
import { linkNames, removeLink } from "./host-links.ts";
import type { HostSide } from "./host-side.ts";
import { newLinkName } from "./network-work.ts";
import { endpointResolvers } from "./served-names.ts";

/** The mark of no process. */
const NOBODY = "";

/** How often the driver chooses other ports where programs of the host have those that it chose. */
const PORT_TRIES_MAX = 64;

interface EndpointWorkOptions {
  readonly relay: NetworkRelay;
  readonly host: HostSide;
  readonly records: NetworkRecords;
  /** Names this process in the records. */
  readonly mark: string;
}

/** What is done with endpoints: first in the records, then in the kernel, then in the records again. */
export class EndpointWork {
  readonly #relay: NetworkRelay;
  readonly #host: HostSide;
  readonly #records: NetworkRecords;
  readonly #mark: string;

  constructor({ relay, host, records, mark }: EndpointWorkOptions) {
    this.#relay = relay;
    this.#host = host;
    this.#records = records;
    this.#mark = mark;
  }

  async connect(network: NetworkRecord, request: ConnectRequest): Promise<Endpoint> {
    const wishes = endpointWishes(network, request);
    const path = namespacePath(request.namespace);
    const namespace = { path, identity: namespaceIdentity(path) };
    const known = await this.#known(network, { id: request.endpoint, namespace, wishes });
    if (known !== undefined) {
      await this.#host.repair(network, known);
      return known.endpoint;
    }
    await using inside = await this.#openInside(path, request);
    const planned = await this.#plan(network, request, inside, wishes);
    stopIfAborted(request);
    let record = this.#insert(network, planned, { namespace, wishes });
    try {
      record = await this.#settlePorts(record, completePorts(wishes.ports ?? []));
      await this.#host.connect(network, record, inside);
      stopIfAborted(request);
      return this.change(record, {}, "made").endpoint;
    } catch (error) {
      // What cannot be taken back now is left to whoever comes next; why it has to be is what the caller has to know.
      const undone = await this.#host.undoConnect(network, record).then(
        () => true,
        () => false,
      );
      if (undone) this.#delete(record);
      else this.#leave(record);
      throw error;
    }
  }

  /** Connects once more what is there, but for the host that it was connected with; whether that could be. */
  async restore(network: NetworkRecord, record: EndpointRecord): Promise<boolean> {
    if (record.state !== "made" || !isNamespaceThere(record.namespace)) return false;
    try {
      await using inside = await this.#relay.openNamespace(record.namespace.path);
      // The host that was is there as long as somebody has a socket of it, and with it the other end of this.
      await removeLink(inside, record.endpoint.interfaceName);
      await this.#host.connect(network, record, inside);
      return true;
    } catch (error) {
      if (!(error instanceof OrlopError)) throw error;
      // Another process has been faster.
      if (await this.#host.hasLink(record.link)) return true;
      return false;
    }
  }

  /** Removes an endpoint, whatever state it is in. */
  async remove(network: NetworkRecord, record: EndpointRecord): Promise<void> {
    const current = this.#records.transaction(() => {
      const found = this.#find(record);
      if (found !== undefined) this.#records.updateEndpoint({ ...found, state: "ending", maker: this.#mark });
      return found;
    });
    if (current === undefined) return;
    const change = (other: EndpointRecord, routes: Endpoint["routes"]): void => void this.change(other, { routes });
    try {
      if (current.state === "made") await this.#host.disconnect(network, current);
      else await this.#host.undoConnect(network, current);
      await handOverRoutes({ relay: this.#relay, records: this.#records, change }, current);
    } catch (error) {
      this.#leave(current);
      throw error;
    }
    this.#delete(current);
  }

  async publish(
    network: NetworkRecord,
    record: EndpointRecord,
    ports: readonly PublishedPort[],
  ): Promise<EndpointRecord> {
    const wanted = completePorts(ports).filter((port) => !record.endpoint.ports.some((own) => samePort(own, port)));
    completePorts([...record.endpoint.ports, ...wanted]);
    checkPortsFit(network.info, record.endpoint.id, wanted);
    let added: readonly Required<PublishedPort>[] = [];
    try {
      let changed = this.#records.transaction(() => {
        added = takePorts(this.#records, record.endpoint, wanted);
        return this.change(record, { ports: [...record.endpoint.ports, ...added] });
      });
      changed = await this.#settlePorts(changed, [...record.endpoint.ports, ...wanted], record.endpoint.ports.length);
      added = changed.endpoint.ports.slice(record.endpoint.ports.length);
      await this.#host.publish(network, changed, added);
      return changed;
    } catch (error) {
      const left = this.#takeBack(record, added);
      await this.#host.settlePorts(network, left);
      throw error;
    }
  }

  async unpublish(
    network: NetworkRecord,
    record: EndpointRecord,
    ports: readonly PublishedPort[],
  ): Promise<EndpointRecord> {
    const given = completePorts(ports);
    const gone = record.endpoint.ports.filter((own) => given.some((port) => samePort(own, port)));
    const changed = this.#takeBack(record, gone);
    await this.#host.unpublish(network, record, gone);
    return changed;
  }

  /** Changes what is written of an endpoint; what others have changed meanwhile stays. */
  change(
    record: EndpointRecord,
    changes: Partial<Endpoint>,
    state: EndpointRecord["state"] = record.state,
  ): EndpointRecord {
    return this.#records.transaction(() => {
      const found = this.#find(record);
      if (found === undefined) {
        throw new OrlopError("conflict", `Cannot change endpoint "${record.endpoint.id}": it has been disconnected`);
      }
      const changed = { ...found, state, endpoint: { ...found.endpoint, ...changes } };
      this.#records.updateEndpoint(changed);
      return changed;
    });
  }

  /** The endpoint that is there already and is what is asked for; what a dead process has left of it is removed. */
  async #known(
    network: NetworkRecord,
    asked: { readonly id: string } & Pick<EndpointRecord, "namespace" | "wishes">,
  ): Promise<EndpointRecord | undefined> {
    const record = this.#records.endpoint(network.info.id, asked.id);
    if (record === undefined) return undefined;
    const cannot = (problem: string): OrlopError =>
      new OrlopError("conflict", `Cannot connect endpoint "${asked.id}" to "${network.info.name}": ${problem}`);
    if (record.state !== "made") {
      if (isMarkAlive(record.maker)) throw cannot("another process is about to connect or disconnect it");
    } else if (await this.#host.hasLink(record.link)) {
      const sameNamespace = record.namespace.identity === asked.namespace.identity;
      const sameWishes = JSON.stringify(record.wishes) === JSON.stringify(asked.wishes);
      if (sameNamespace && sameWishes) return record;
      if (sameNamespace) throw cannot("it is there, with other wishes");
      if (isNamespaceThere(record.namespace)) throw cannot("it is there, in another namespace");
    }
    await this.remove(network, record);
    return undefined;
  }

  async #openInside(path: string, request: ConnectRequest): Promise<RelayNamespace> {
    try {
      const inside = await this.#relay.openNamespace(path);
      if (this.#host.isApart) await linkNames(inside);
      return inside;
    } catch (error) {
      const isApart = this.#host.isApart && error instanceof OrlopError && error.code === "denied";
      throw isApart ? madeElsewhere(request, error) : error;
    }
  }

  async #plan(
    { info }: NetworkRecord,
    request: ConnectRequest,
    inside: RelayNamespace,
    wishes: EndpointWishes,
  ): Promise<Omit<Endpoint, "addresses" | "hardwareAddress">> {
    const interfaceName = request.interfaceName ?? (await freeInterfaceName(inside));
    if ((await linkNames(inside)).has(interfaceName)) {
      const problem = `its namespace has an interface "${interfaceName}" already`;
      throw new OrlopError("exists", `Cannot connect endpoint "${request.endpoint}": ${problem}`);
    }
    const routes = defaultRoutes(info, request, await defaultRouteVersions(inside));
    return {
      id: request.endpoint,
      network: info.id,
      interfaceName,
      gateways: info.internal ? [] : info.subnets.map(({ gateway }) => gateway),
      routes,
      resolvers: endpointResolvers(info, wishes.egress ?? "all", () => this.#host.resolvers()),
      names: wishes.names ?? [],
      ports: completePorts(wishes.ports ?? []),
      egress: wishes.egress ?? "all",
      labels: wishes.labels ?? {},
    };
  }

  #insert(
    network: NetworkRecord,
    planned: Omit<Endpoint, "addresses" | "hardwareAddress">,
    { namespace, wishes }: Pick<EndpointRecord, "namespace" | "wishes">,
  ): EndpointRecord {
    return this.#records.transaction(() => {
      const { id } = network.info;
      if (this.#records.network(id) === undefined) {
        throw new OrlopError("not-found", `Cannot find network "${network.info.name}": it has been removed`);
      }
      if (this.#records.endpoint(id, planned.id) !== undefined) {
        throw new OrlopError("conflict", `Cannot connect endpoint "${planned.id}": another process connects it`);
      }
      const addresses = takeAddresses(this.#records, network, planned.id, wishes.addresses ?? []);
      const ports = takePorts(this.#records, planned, planned.ports);
      const hardwareAddress = hardwareAddressFor(addresses, wishes.hardwareAddress);
      const record: EndpointRecord = {
        endpoint: { ...planned, addresses, hardwareAddress, ports },
        state: "making",
        maker: this.#mark,
        link: newLinkName(this.#records.owner()),
        namespace,
        wishes,
      };
      this.#records.insertEndpoint(record);
      return record;
    });
  }

  /** Looks whether programs of the host have ports from number `first` on; of those that it chose, it chooses others. */
  async #settlePorts(
    record: EndpointRecord,
    wanted: readonly Required<PublishedPort>[],
    first = 0,
  ): Promise<EndpointRecord> {
    let current = record;
    for (let index = first; index < wanted.length; index++) {
      const refused = new Set<number>();
      for (;;) {
        const port = current.endpoint.ports[index];
        const asked = wanted[index];
        if (port === undefined || asked === undefined) break;
        try {
          await this.#host.checkPorts([port]);
          break;
        } catch (error) {
          const inUse = error instanceof OrlopError && error.code === "conflict" && asked.hostPort === 0;
          if (!inUse || refused.size === PORT_TRIES_MAX) throw error;
          refused.add(port.hostPort);
          current = this.#chooseAgain(current, index, asked, refused);
        }
      }
    }
    return current;
  }

  #chooseAgain(
    record: EndpointRecord,
    index: number,
    asked: Required<PublishedPort>,
    refused: ReadonlySet<number>,
  ): EndpointRecord {
    return this.#records.transaction(() => {
      const { id, network, ports } = record.endpoint;
      const busy = ports[index];
      if (busy !== undefined) this.#records.releasePorts(network, id, rangeOf(busy));
      const [chosen] = takePorts(this.#records, record.endpoint, [asked], refused);
      return this.change(record, { ports: ports.map((port, at) => (at === index && chosen ? chosen : port)) });
    });
  }

  #takeBack(record: EndpointRecord, gone: readonly Required<PublishedPort>[]): EndpointRecord {
    return this.#records.transaction(() => {
      const { id, network } = record.endpoint;
      const current = this.#find(record) ?? record;
      const ports = current.endpoint.ports.filter((own) => !gone.some((port) => samePort(own, port)));
      const lost = current.endpoint.ports.filter((own) => gone.some((port) => samePort(own, port)));
      for (const port of lost) this.#records.releasePorts(network, id, rangeOf(port));
      return lost.length === 0 ? current : this.change(record, { ports });
    });
  }

  /** What is written of it now; undefined where it is gone, or another one of its name. */
  #find({ endpoint, link }: EndpointRecord): EndpointRecord | undefined {
    const found = this.#records.endpoint(endpoint.network, endpoint.id);
    return found?.link === link ? found : undefined;
  }

  /** This process lives on, and is not at it any more. */
  #leave(record: EndpointRecord): void {
    this.#records.transaction(() => {
      const found = this.#find(record);
      if (found !== undefined) this.#records.updateEndpoint({ ...found, state: "ending", maker: NOBODY });
    });
  }

  #delete(record: EndpointRecord): void {
    this.#records.transaction(() => {
      const { network, id } = record.endpoint;
      if (this.#find(record) !== undefined) this.#records.deleteEndpoint(network, id);
    });
  }
}

/** Nobody else may connect it: it is no child of the user namespace that the host belongs to. */
function madeElsewhere({ endpoint, network }: ConnectRequest, cause: OrlopError): OrlopError {
  const problem = "its namespaces were made without an ordinary user's networks";
  const wayOut = "Try to start it on a network: then it can be connected with others while it runs.";
  return new OrlopError("conflict", `Cannot connect endpoint "${endpoint}" to "${network}": ${problem}\n${wayOut}`, {
    cause,
  });
}

function stopIfAborted({ endpoint, signal }: ConnectRequest): void {
  if (signal?.aborted !== true) return;
  throw new OrlopError("cancelled", `Cannot connect endpoint "${endpoint}": it was ended`, { cause: signal.reason });
}
