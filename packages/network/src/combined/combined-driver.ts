import {
  type ConnectRequest,
  type CreateNetworkRequest,
  type EgressPolicy,
  type Endpoint,
  type HeldUserNamespace,
  type HostsEntry,
  type NameServer,
  type NetworkDriver,
  type NetworkFeatures,
  type NetworkInfo,
  OrlopError,
  type PublishedPort,
} from "@orlop/core";

/**
 * The networks of several drivers as those of one: a call goes to the first driver that has the network. Networks are made and
 * removed by the first of all, whose default network and features are told.
 */
export class CombinedDriver implements NetworkDriver {
  /** That of the first one: the others' plug-ins see to names themselves. */
  readonly names?: NameServer;
  readonly #first: NetworkDriver;
  readonly #drivers: readonly NetworkDriver[];

  constructor(first: NetworkDriver, ...others: readonly NetworkDriver[]) {
    this.#first = first;
    this.#drivers = [first, ...others];
    if (first.names !== undefined) this.names = first.names;
  }

  get name(): string {
    return this.#first.name;
  }

  get defaultNetwork(): string {
    return this.#first.defaultNetwork;
  }

  async features(): Promise<NetworkFeatures> {
    return await this.#first.features();
  }

  async create(request: CreateNetworkRequest): Promise<NetworkInfo> {
    const { name } = request;
    for (const driver of this.#drivers.slice(1)) {
      if (!(await has(driver, name))) continue;
      throw new OrlopError("exists", `Cannot create network "${name}": driver ${driver.name} has one of this name`);
    }
    return await this.#first.create(request);
  }

  async inspect(network: string): Promise<NetworkInfo> {
    return await (await this.#driverOf(network)).inspect(network);
  }

  async list(): Promise<readonly NetworkInfo[]> {
    const networks = (await Promise.all(this.#drivers.map((driver) => driver.list()))).flat();
    // Of two with one name, the second one cannot be meant by it.
    const byName = new Map(networks.toReversed().map((network) => [network.name, network]));
    return [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async remove(network: string): Promise<void> {
    const driver = await this.#driverOf(network);
    if (driver === this.#first) return await driver.remove(network);
    throw new OrlopError("unsupported", `Cannot remove network "${network}": it is one of driver ${driver.name}`);
  }

  async holdUserNamespace(networks: readonly string[]): Promise<HeldUserNamespace | undefined> {
    for (const network of networks) {
      const held = await (await this.#driverOf(network)).holdUserNamespace?.(networks);
      if (held !== undefined) return held;
    }
    return undefined;
  }

  async connect(request: ConnectRequest): Promise<Endpoint> {
    return await (await this.#driverOf(request.network)).connect(request);
  }

  async disconnect(network: string, endpoint: string): Promise<void> {
    // A driver may have an endpoint of a network that it no longer has.
    for (const driver of this.#drivers) await driver.disconnect(network, endpoint);
  }

  async endpoint(network: string, endpoint: string): Promise<Endpoint> {
    return await (await this.#driverOf(network)).endpoint(network, endpoint);
  }

  async endpoints(network?: string): Promise<readonly Endpoint[]> {
    if (network !== undefined) return await (await this.#driverOf(network)).endpoints(network);
    const all = (await Promise.all(this.#drivers.map((driver) => driver.endpoints()))).flat();
    return all.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  async publish(network: string, endpoint: string, ports: readonly PublishedPort[]): Promise<Endpoint> {
    return await (await this.#driverOf(network)).publish(network, endpoint, ports);
  }

  async unpublish(network: string, endpoint: string, ports: readonly PublishedPort[]): Promise<Endpoint> {
    return await (await this.#driverOf(network)).unpublish(network, endpoint, ports);
  }

  async setEgress(network: string, endpoint: string, policy: EgressPolicy): Promise<Endpoint> {
    return await (await this.#driverOf(network)).setEgress(network, endpoint, policy);
  }

  async hostsEntries(network: string): Promise<readonly HostsEntry[]> {
    return await (await this.#driverOf(network)).hostsEntries(network);
  }

  async cleanup(): Promise<void> {
    for (const driver of this.#drivers) await driver.cleanup();
  }

  async mend(): Promise<void> {
    for (const driver of this.#drivers) await driver.mend?.();
  }

  async close(): Promise<void> {
    for (const driver of this.#drivers) await driver.close();
  }

  /** The first one where none has it: that says so. */
  async #driverOf(network: string): Promise<NetworkDriver> {
    for (const driver of this.#drivers) if (await has(driver, network)) return driver;
    return this.#first;
  }
}

async function has(driver: NetworkDriver, network: string): Promise<boolean> {
  try {
    await driver.inspect(network);
    return true;
  } catch (error) {
    if (error instanceof OrlopError && error.code === "not-found") return false;
    throw error;
  }
}
