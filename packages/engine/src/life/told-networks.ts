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
  shortId,
  unlessMissing,
} from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import type { NewEvent } from "../state/event-rows.ts";

/** What is told, and of whom. */
interface NetworkTelling extends Pick<EngineContext, "database" | "events"> {
  /** The name of a container or pod, which is an endpoint to the driver. */
  nameOf(endpoint: string): string | undefined;
}

/**
 * A driver of networks of which the engine's events tell what becomes of them, in docker's words. Its errors speak of
 * containers by their names.
 */
export class ToldNetworks implements NetworkDriver {
  readonly name: string;
  readonly defaultNetwork: string;
  readonly names?: NameServer;
  readonly #driver: NetworkDriver;
  readonly #telling: NetworkTelling;

  constructor(driver: NetworkDriver, telling: NetworkTelling) {
    this.#driver = driver;
    this.#telling = telling;
    this.name = driver.name;
    this.defaultNetwork = driver.defaultNetwork;
    if (driver.names !== undefined) this.names = driver.names;
  }

  features(): Promise<NetworkFeatures> {
    return this.#driver.features();
  }

  async create(request: CreateNetworkRequest): Promise<NetworkInfo> {
    const made = await this.#driver.create(request);
    this.#tell(made, "create");
    return made;
  }

  inspect(network: string): Promise<NetworkInfo> {
    return this.#driver.inspect(network);
  }

  list(): Promise<readonly NetworkInfo[]> {
    return this.#driver.list();
  }

  async remove(network: string): Promise<void> {
    const known = await unlessMissing(this.#driver.inspect(network));
    await this.#named(this.#driver.remove(network));
    if (known !== undefined) this.#tell(known, "destroy");
  }

  async holdUserNamespace(networks: readonly string[]): Promise<HeldUserNamespace | undefined> {
    return await this.#driver.holdUserNamespace?.(networks);
  }

  async connect(request: ConnectRequest): Promise<Endpoint> {
    const endpoint = await this.#named(this.#driver.connect(request));
    this.#tell(await this.#driver.inspect(endpoint.network), "connect", endpoint.id);
    return endpoint;
  }

  async disconnect(network: string, endpoint: string): Promise<void> {
    const event = await this.leave(network, endpoint);
    if (event !== undefined) this.#add(event);
  }

  /** The same, and what it comes to is the caller's to tell; undefined where nothing was connected. */
  async leave(network: string, endpoint: string): Promise<NewEvent | undefined> {
    const known = await unlessMissing(this.#driver.endpoint(network, endpoint));
    const info = known && (await unlessMissing(this.#driver.inspect(known.network)));
    await this.#named(this.#driver.disconnect(network, endpoint));
    return info && networkEvent(info, "disconnect", endpoint);
  }

  endpoint(network: string, endpoint: string): Promise<Endpoint> {
    return this.#driver.endpoint(network, endpoint);
  }

  endpoints(network?: string): Promise<readonly Endpoint[]> {
    return this.#driver.endpoints(network);
  }

  publish(network: string, endpoint: string, ports: readonly PublishedPort[]): Promise<Endpoint> {
    return this.#named(this.#driver.publish(network, endpoint, ports));
  }

  unpublish(network: string, endpoint: string, ports: readonly PublishedPort[]): Promise<Endpoint> {
    return this.#named(this.#driver.unpublish(network, endpoint, ports));
  }

  setEgress(network: string, endpoint: string, policy: EgressPolicy): Promise<Endpoint> {
    return this.#named(this.#driver.setEgress(network, endpoint, policy));
  }

  hostsEntries(network: string): Promise<readonly HostsEntry[]> {
    return this.#driver.hostsEntries(network);
  }

  cleanup(): Promise<void> {
    return this.#driver.cleanup();
  }

  async mend(): Promise<void> {
    await this.#driver.mend?.();
  }

  close(): Promise<void> {
    return this.#driver.close();
  }

  async #named<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof OrlopError) {
        error.message = error.message.replaceAll(ENDPOINT, (_, id: string) => {
          return `container "${this.#telling.nameOf(id) ?? shortId(id)}"`;
        });
      }
      throw error;
    }
  }

  #tell(network: NetworkInfo, action: string, container?: string): void {
    this.#add(networkEvent(network, action, container));
  }

  #add(event: NewEvent): void {
    const { database, events } = this.#telling;
    database.transaction(() => events.add(event), { durable: false });
  }
}

/** As the drivers name them in what they say. */
const ENDPOINT = /endpoint "([0-9a-f]{64})"/g;

function networkEvent({ id, name, driver: type }: NetworkInfo, action: string, container?: string): NewEvent {
  const attributes = { ...(container === undefined ? {} : { container }), name, type };
  return { atMs: Date.now(), type: "network", action, id, attributes };
}
