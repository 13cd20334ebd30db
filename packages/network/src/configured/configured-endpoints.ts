import { type ConnectRequest, type Endpoint, OrlopError, PORT_PROTOCOLS, type PublishedPort } from "@orlop/core";
import { isMarkAlive, ownProcessMark, randomBytes } from "@orlop/kernel";
import { takePorts } from "../bridge/allocate-endpoint.ts";
import { checkPortsFit, endpointWishes } from "../bridge/endpoint-wishes.ts";
import { isNamespaceThere, namespaceIdentity, namespacePath } from "../namespace-path.ts";
import { completePorts, rangeOf, samePort } from "../ports/complete-ports.ts";
import type { EndpointRecord, EndpointWishes, NetworkRecord, NetworkRecords } from "../records/network-records.ts";
import type { EndpointMaker, EndpointPlan } from "./endpoint-maker.ts";

/** How often the driver chooses other ports where programs of the host have those that it chose. */
const PORT_TRIES_MAX = 64;

const LINK_RANDOM_BYTES = 8;

/** The mark of no process. */
const NOBODY = "";

/** Endpoints that programs of others make: each is written down before it is made, and until it is taken back. */
export class ConfiguredEndpoints {
  readonly #maker: EndpointMaker;
  readonly #records: NetworkRecords;

  constructor(maker: EndpointMaker, records: NetworkRecords) {
    this.#maker = maker;
    this.#records = records;
  }

  async connect(network: NetworkRecord, request: ConnectRequest): Promise<Endpoint> {
    const wishes = endpointWishes(network, request);
    this.#refuse(request, wishes);
    const path = namespacePath(request.namespace);
    const namespace = { path, identity: namespaceIdentity(path) };
    const known = await this.#known(network, { id: request.endpoint, namespace, wishes });
    if (known !== undefined) {
      await this.#maker.check({ network, record: known });
      return known.endpoint;
    }
    const plan = await this.#maker.plan(network.info, request, wishes);
    stopIfAborted(request);
    let record = this.#insert(network, plan, { id: request.endpoint, namespace, wishes });
    try {
      record = await this.#takePorts(record, completePorts(wishes.ports ?? []));
      const { facts, held } = await this.#maker.make({ network, record });
      record = this.#change(record, { ...facts }, { state: "making", held });
      stopIfAborted(request);
      return this.#change(record, {}, { state: "made" }).endpoint;
    } catch (error) {
      // What is not taken back now is left for the next clean-up, and why it has to be is what the caller has to know.
      const undone = await this.#maker.unmake({ network, record }).then(
        () => true,
        () => false,
      );
      if (undone) this.#delete(record);
      else this.#leave(record);
      throw error;
    }
  }

  /** Adds ports, all or none. */
  async publish(
    network: NetworkRecord,
    { id, ports: known }: Endpoint,
    ports: readonly PublishedPort[],
  ): Promise<Endpoint> {
    const record = this.#made(network, id);
    const given = completePorts(ports);
    const wanted = given.filter((port) => !known.some((own) => samePort(own, port)));
    completePorts([...known, ...wanted]);
    checkPortsFit(network.info, id, wanted);
    this.#refuse({ endpoint: id, network: network.info.name }, { ports: wanted });
    const changed = await this.#takePorts(record, wanted, known);
    const added = changed.endpoint.ports.slice(known.length);
    try {
      // Also those that are written down already: whoever did that may have been killed before they were made.
      const again = known.filter((own) => given.some((port) => samePort(own, port)));
      await this.#maker.publish?.({ network, record: changed }, [...again, ...added]);
      return changed.endpoint;
    } catch (error) {
      await this.#maker.unpublish?.({ network, record: changed }, added).catch(() => {});
      this.#releasePorts(changed, added);
      throw error;
    }
  }

  async unpublish(
    network: NetworkRecord,
    { id, ports: known }: Endpoint,
    ports: readonly PublishedPort[],
  ): Promise<Endpoint> {
    const record = this.#made(network, id);
    const given = completePorts(ports);
    const gone = known.filter((own) => given.some((port) => samePort(own, port)));
    await this.#maker.unpublish?.({ network, record }, gone);
    return this.#releasePorts(record, gone).endpoint;
  }

  #made({ info }: NetworkRecord, id: string): EndpointRecord {
    const record = this.#records.endpoint(info.id, id);
    if (record !== undefined) return record;
    throw new OrlopError("not-found", `Cannot find endpoint "${id}": it has been disconnected`);
  }

  #releasePorts(record: EndpointRecord, gone: Endpoint["ports"]): EndpointRecord {
    const { id, network, ports } = record.endpoint;
    return this.#records.transaction(() => {
      for (const port of gone) this.#records.releasePorts(network, id, rangeOf(port));
      return this.#change(record, { ports: ports.filter((own) => !gone.some((port) => samePort(own, port))) }, {});
    });
  }

  /** Removes an endpoint, whatever state it is in. */
  async remove(network: NetworkRecord, record: EndpointRecord): Promise<void> {
    const current = this.#records.transaction(() => {
      const found = this.#find(record);
      if (found !== undefined) this.#records.updateEndpoint({ ...found, state: "ending", maker: ownProcessMark() });
      return found;
    });
    if (current === undefined) return;
    try {
      await this.#maker.unmake({ network, record: current });
    } catch (error) {
      this.#leave(current);
      throw error;
    }
    this.#delete(current);
  }

  async cleanUp(): Promise<void> {
    const failures: unknown[] = [];
    for (const record of this.#records.endpoints()) {
      const network = this.#records.network(record.endpoint.network);
      if (network === undefined || (await this.#isAlive(network, record))) continue;
      // A program that is missing for one of them must not keep the others from being removed.
      try {
        await this.remove(network, record);
      } catch (error) {
        failures.push(error);
        if (this.#givesUp(record, error)) this.#delete(record);
      }
    }
    await this.#maker.removeStrays(() => this.#records.endpoints());
    if (failures.length > 0) throw failures[0];
  }

  /** Of what was tried before and has no namespace any more; a program that is missing may be installed again. */
  #givesUp({ state, namespace }: EndpointRecord, error: unknown): boolean {
    if (this.#maker.givesUp !== true || state !== "ending" || isNamespaceThere(namespace)) return false;
    return !(error instanceof OrlopError) || error.code !== "not-found";
  }

  async #isAlive(network: NetworkRecord, record: EndpointRecord): Promise<boolean> {
    if (record.state !== "made") return isMarkAlive(record.maker);
    return isNamespaceThere(record.namespace) && (await this.#maker.isThere({ network, record }));
  }

  /** @throws OrlopError `unsupported` for what the driver does not have */
  #refuse({ endpoint, network }: Pick<ConnectRequest, "endpoint" | "network">, wishes: EndpointWishes): void {
    const { publish, staticAddresses, egress } = this.#maker.features;
    const cannot = (what: string): OrlopError =>
      new OrlopError(
        "unsupported",
        `Cannot connect endpoint "${endpoint}" to "${network}": driver ${this.#maker.name} has no ${what}`,
      );
    if (!egress && wishes.egress !== undefined) throw cannot("egress policies");
    if (!staticAddresses && wishes.addresses !== undefined) throw cannot("addresses that are asked for");
    if (!staticAddresses && wishes.hardwareAddress !== undefined) throw cannot("hardware addresses that are asked for");
    const protocol = PORT_PROTOCOLS.find(
      (each) => !publish.includes(each) && wishes.ports?.some((port) => port.protocol === each) === true,
    );
    if (protocol !== undefined) throw cannot(`published ports of ${protocol}`);
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
    if (await this.#isAlive(network, record)) {
      if (record.state !== "made") throw cannot("another process is about to connect or disconnect it");
      if (record.namespace.identity !== asked.namespace.identity) throw cannot("it is there, in another namespace");
      if (JSON.stringify(record.wishes) !== JSON.stringify(asked.wishes))
        throw cannot("it is there, with other wishes");
      return record;
    }
    await this.remove(network, record);
    return undefined;
  }

  #insert(
    { info }: NetworkRecord,
    { facts, held }: EndpointPlan,
    { id, namespace, wishes }: { readonly id: string } & Pick<EndpointRecord, "namespace" | "wishes">,
  ): EndpointRecord {
    const { names = [], labels = {} } = wishes;
    const endpoint = { id, network: info.id, ...facts, names, ports: [], egress: "all" as const, labels };
    const link = Buffer.from(randomBytes(LINK_RANDOM_BYTES)).toString("hex");
    const record = { endpoint, state: "making" as const, maker: ownProcessMark(), link, namespace, wishes, held };
    this.#records.transaction(() => {
      if (this.#records.endpoint(info.id, id) !== undefined) {
        throw new OrlopError("conflict", `Cannot connect endpoint "${id}": another process connects it`);
      }
      this.#records.insertEndpoint(record);
    });
    return record;
  }

  /** Ports are written down before it is looked whether programs of the host have them; of those it chose, it chooses others. */
  async #takePorts(
    record: EndpointRecord,
    wanted: Endpoint["ports"],
    known: Endpoint["ports"] = [],
  ): Promise<EndpointRecord> {
    const { id, network } = record.endpoint;
    const refused = new Set<number>();
    for (;;) {
      const ports = this.#records.transaction(() => takePorts(this.#records, record.endpoint, wanted, refused));
      try {
        await this.#maker.checkPorts(ports);
        return this.#change(record, { ports: [...known, ...ports] }, {});
      } catch (error) {
        const chosen = ports.filter((_, index) => wanted[index]?.hostPort === 0);
        const inUse = error instanceof OrlopError && error.code === "conflict" && chosen.length > 0;
        this.#records.transaction(() => {
          for (const port of ports) this.#records.releasePorts(network, id, rangeOf(port));
        });
        if (!inUse || refused.size >= PORT_TRIES_MAX) throw error;
        for (const { hostPort } of chosen) refused.add(hostPort);
      }
    }
  }

  #change(
    record: EndpointRecord,
    changes: Partial<Endpoint>,
    parts: Partial<Pick<EndpointRecord, "state" | "held" | "maker">>,
  ): EndpointRecord {
    return this.#records.transaction(() => {
      const found = this.#find(record);
      if (found === undefined) {
        throw new OrlopError("conflict", `Cannot connect endpoint "${record.endpoint.id}": it has been disconnected`);
      }
      const endpoint = { ...found.endpoint, ...changes };
      const changed = { ...found, ...parts, endpoint };
      this.#records.updateEndpoint(changed);
      return changed;
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

function stopIfAborted({ endpoint, signal }: ConnectRequest): void {
  if (signal?.aborted !== true) return;
  throw new OrlopError("cancelled", `Cannot connect endpoint "${endpoint}": it was ended`, { cause: signal.reason });
}
