import { createHash } from "node:crypto";
import {
  type ConnectRequest,
  type CreateNetworkRequest,
  type EgressPolicy,
  type Endpoint,
  type HostsEntry,
  type NetworkDriver,
  type NetworkFeatures,
  type NetworkInfo,
  OrlopError,
  type PublishedPort,
} from "@orlop/core";
import type { NetworkRecord, NetworkRecords } from "../records/network-records.ts";
import { ConfiguredEndpoints } from "./configured-endpoints.ts";
import type { ConfiguredNetwork, EndpointMaker } from "./endpoint-maker.ts";

/**
 * A driver whose networks are not made by it, and whose endpoints are made by programs of others: what all of them have in
 * common is the records, so that they are found again, and taken back once.
 */
export class ConfiguredDriver implements NetworkDriver {
  readonly name: string;
  readonly #maker: EndpointMaker;
  readonly #records: NetworkRecords;
  readonly #endpoints: ConfiguredEndpoints;

  constructor(maker: EndpointMaker, records: NetworkRecords) {
    this.name = maker.name;
    this.#maker = maker;
    this.#records = records;
    this.#endpoints = new ConfiguredEndpoints(maker, records);
  }

  get defaultNetwork(): string {
    return this.#maker.defaultNetwork;
  }

  async features(): Promise<NetworkFeatures> {
    return this.#maker.features;
  }

  async create({ name }: CreateNetworkRequest): Promise<NetworkInfo> {
    throw this.#unsupported(`create network "${name}"`);
  }

  async inspect(network: string): Promise<NetworkInfo> {
    return (await this.#find(network)).info;
  }

  async list(): Promise<readonly NetworkInfo[]> {
    const networks = (await this.#maker.networks()).map((each) => this.#record(each).info);
    return networks.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async remove(network: string): Promise<void> {
    if (network === this.defaultNetwork) {
      throw new OrlopError("conflict", `Cannot remove network "${network}": it is the default one`);
    }
    const known = (await this.list()).some(({ id, name }) => id === network || name === network);
    if (known) throw this.#unsupported(`remove network "${network}"`);
  }

  async connect(request: ConnectRequest): Promise<Endpoint> {
    return await this.#endpoints.connect(await this.#find(request.network), request);
  }

  async disconnect(network: string, endpoint: string): Promise<void> {
    // By its record: the network may no longer be configured.
    const found = this.#records.network(network);
    const record = found && this.#records.endpoint(found.info.id, endpoint);
    if (found !== undefined && record !== undefined) await this.#endpoints.remove(found, record);
  }

  async endpoint(network: string, endpoint: string): Promise<Endpoint> {
    const { info } = await this.#find(network);
    const record = this.#records.endpoint(info.id, endpoint);
    if (record?.state === "made") return record.endpoint;
    throw new OrlopError("not-found", `Cannot find endpoint "${endpoint}": network "${info.name}" has none of this id`);
  }

  async endpoints(network?: string): Promise<readonly Endpoint[]> {
    const id = network === undefined ? undefined : (await this.#find(network)).info.id;
    const made = this.#records.endpoints(id).filter(({ state }) => state === "made");
    return made.map(({ endpoint }) => endpoint);
  }

  async publish(network: string, endpoint: string, ports: readonly PublishedPort[]): Promise<Endpoint> {
    if (!this.#maker.features.publishWhileRunning) {
      return await this.#unchanged(network, endpoint, ports.length, "publish ports");
    }
    return await this.#endpoints.publish(await this.#find(network), await this.endpoint(network, endpoint), ports);
  }

  async unpublish(network: string, endpoint: string, ports: readonly PublishedPort[]): Promise<Endpoint> {
    if (!this.#maker.features.publishWhileRunning) {
      return await this.#unchanged(network, endpoint, ports.length, "take back ports");
    }
    return await this.#endpoints.unpublish(await this.#find(network), await this.endpoint(network, endpoint), ports);
  }

  async setEgress(network: string, endpoint: string, policy: EgressPolicy): Promise<Endpoint> {
    return await this.#unchanged(network, endpoint, policy === "all" ? 0 : 1, "set an egress policy");
  }

  async hostsEntries(network: string): Promise<readonly HostsEntry[]> {
    const endpoints = await this.endpoints(network);
    if (!this.#maker.joinsEndpoints) return [];
    return endpoints.flatMap(({ addresses, names }) =>
      names.length === 0 ? [] : addresses.map((address) => ({ address: address.split("/", 1)[0] ?? "", names })),
    );
  }

  async cleanup(): Promise<void> {
    await this.#endpoints.cleanUp();
  }

  async close(): Promise<void> {
    await this.#maker.close();
  }

  async #find(network: string): Promise<NetworkRecord> {
    const known = (await this.#maker.networks()).map((each) => this.#record(each));
    const found = known.find(({ info }) => info.id === network) ?? known.find(({ info }) => info.name === network);
    if (found !== undefined) return found;
    throw new OrlopError("not-found", `Cannot find network "${network}": there is none of this name or id`);
  }

  /** What is configured now, under the record that its endpoints belong to, which is made by whoever sees it first. */
  #record(network: ConfiguredNetwork): NetworkRecord {
    const id = createHash("sha256").update(`${this.name}\0${network.name}`).digest("hex");
    return this.#records.transaction(() => {
      const createdAtMs = this.#records.network(id)?.info.createdAtMs;
      const info = { id, driver: this.name, createdAtMs: createdAtMs ?? Date.now(), ...network };
      if (createdAtMs === undefined) this.#records.insertNetwork({ info, link: "" });
      return { info, link: "" };
    });
  }

  async #unchanged(network: string, endpoint: string, changes: number, what: string): Promise<Endpoint> {
    const found = await this.endpoint(network, endpoint);
    if (changes === 0) return found;
    throw this.#unsupported(`${what} of endpoint "${endpoint}" while it is there`);
  }

  #unsupported(what: string): OrlopError {
    return new OrlopError("unsupported", `Cannot ${what}: driver ${this.name} does not have it`);
  }
}
