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
  PORT_PROTOCOLS,
  type PublishedPort,
} from "@orlop/core";
import { isMarkAlive, ownProcessMark } from "@orlop/kernel";
import { NetworkRelay } from "@orlop/kernel/netlink";
import { disjointPolicy } from "../egress/disjoint-rules.ts";
import { LastingRelay } from "../lasting-relay.ts";
import { OWN_SOCKETS } from "../names/name-sockets.ts";
import type { EndpointRecord, NetworkRecord, NetworkRecords } from "../records/network-records.ts";
import { nameServersOfHost } from "../resolvers.ts";
import type { Uplink } from "../user-host/uplink.ts";
import type { HeldHost, UserHost } from "../user-host/user-host.ts";
import { UserSockets } from "../user-host/user-sockets.ts";
import { UserWayOut } from "../user-host/user-way-out.ts";
import { BridgeNames } from "./bridge-names.ts";
import { cleanUp } from "./clean-up.ts";
import { EndpointWork } from "./endpoint-work.ts";
import { hostIdentity } from "./host-identity.ts";
import { hasProtocol6 } from "./host-settings.ts";
import { HostSide } from "./host-side.ts";
import { BRIDGE_DRIVER, DEFAULT_NETWORK, insertNetwork } from "./network-work.ts";
import { setEgress } from "./set-egress.ts";

export interface BridgeDriverOptions {
  readonly records: NetworkRecords;
  /** The network namespace in which bridges stand and ports are published; absent: that of this process. */
  readonly hostNamespace?: string;
  /** The host of an ordinary user's bridges, in the place of a namespace that there is. */
  readonly userHost?: UserBridgeHost;
  /** Servers that names are asked of which are none of a network's; absent: the host's. */
  readonly resolvers?: () => readonly string[];
}

/** Where an ordinary user's bridges stand, and what leads out of there. */
export interface UserBridgeHost {
  readonly host: UserHost;
  readonly uplink: Uplink;
}

const FEATURES: NetworkFeatures = {
  create: true,
  staticAddresses: true,
  ipv6: true,
  internal: true,
  connectWhileRunning: true,
  publish: PORT_PROTOCOLS,
  publishWhileRunning: true,
  egress: true,
  rootless: false,
};
const USER_FEATURES: NetworkFeatures = { ...FEATURES, publish: ["tcp", "udp"], rootless: true };

/** What is done by a relay. */
interface Host {
  readonly side: HostSide;
  readonly work: EndpointWork;
}

/**
 * The driver `bridge`: a bridge for each network, a pair of interfaces for each endpoint, and one table of rules for all of
 * it, made by netlink alone (docs/networking.md).
 */
export class BridgeDriver implements NetworkDriver {
  readonly name: string = BRIDGE_DRIVER;
  readonly defaultNetwork: string = DEFAULT_NETWORK;
  readonly #records: NetworkRecords;
  readonly #userHost: UserBridgeHost | undefined;
  readonly #host: LastingRelay<Host>;
  readonly names: NameServer;

  constructor({ records, hostNamespace, userHost, resolvers = nameServersOfHost }: BridgeDriverOptions) {
    this.#records = records;
    this.#userHost = userHost;
    const withWork = (relay: NetworkRelay, side: HostSide): Host => {
      return { side, work: new EndpointWork({ relay, host: side, records, mark: ownProcessMark() }) };
    };
    this.#host =
      userHost === undefined
        ? new LastingRelay({
            start: () => NetworkRelay.start(hostNamespace),
            prepare: (relay) => {
              const identity = hostIdentity(hostNamespace);
              return withWork(relay, new HostSide({ namespace: relay.home, records, identity }));
            },
          })
        : new LastingRelay(relayOfUser(userHost, records, withWork));
    const sockets = userHost === undefined ? OWN_SOCKETS : new UserSockets(userHost.host);
    this.names = new BridgeNames({
      records,
      onSide: (work) => this.#host.use(({ side }) => work(side)),
      resolvers,
      sockets,
    });
  }

  async features(): Promise<NetworkFeatures> {
    return this.#userHost === undefined ? FEATURES : USER_FEATURES;
  }

  async create(request: CreateNetworkRequest): Promise<NetworkInfo> {
    const record = await this.#host.use(({ side }) => insertNetwork(side, this.#records, request));
    try {
      await this.#host.use(({ side }) => side.ensureNetwork(record));
    } catch (error) {
      this.#records.transaction(() => this.#records.deleteNetwork(record.info.id));
      await this.#host.use(({ side }) => side.removeNetwork(record));
      throw error;
    } finally {
      await this.#release();
    }
    return record.info;
  }

  async inspect(network: string): Promise<NetworkInfo> {
    return (await this.#find(network)).info;
  }

  async list(): Promise<readonly NetworkInfo[]> {
    await this.#find(DEFAULT_NETWORK);
    return this.#records.networks().map(({ info }) => info);
  }

  async remove(network: string): Promise<void> {
    const record = this.#records.network(network);
    if (record === undefined) return;
    const { id, name } = record.info;
    if (name === DEFAULT_NETWORK) {
      throw new OrlopError("conflict", `Cannot remove network "${name}": it is the default one`);
    }
    await this.#host.use(async ({ side }) => {
      this.#records.transaction(() => {
        const [first] = this.#records.endpoints(id);
        if (first !== undefined) {
          throw new OrlopError("conflict", `Cannot remove network "${name}": endpoint "${first.endpoint.id}" is on it`);
        }
        this.#records.deleteNetwork(id);
      });
      await side.removeNetwork(record);
    });
    await this.#release();
  }

  async holdUserNamespace(): Promise<HeldUserNamespace | undefined> {
    const claim = await this.#userHost?.host.claim();
    if (claim === undefined) return undefined;
    const release = async (): Promise<void> => {
      claim[Symbol.dispose]();
      await this.#release();
    };
    try {
      // Who is to be connected finds the others there.
      await this.mend();
    } catch (error) {
      await release();
      throw error;
    }
    return { path: claim.host.user, [Symbol.asyncDispose]: release };
  }

  async connect(request: ConnectRequest): Promise<Endpoint> {
    // An ordinary user's are mended before.
    if (this.#userHost === undefined && this.#hasDeadMaker()) await this.cleanup();
    const network = await this.#find(request.network);
    return await this.#host.use(({ work }) => work.connect(network, request));
  }

  async disconnect(network: string, endpoint: string): Promise<void> {
    const found = this.#records.network(network);
    const record = found && this.#records.endpoint(found.info.id, endpoint);
    if (found === undefined || record === undefined) return;
    await this.#host.use(({ work }) => work.remove(found, record));
    await this.#release();
  }

  async endpoint(network: string, endpoint: string): Promise<Endpoint> {
    return this.#endpoint(await this.#find(network), endpoint).endpoint;
  }

  async endpoints(network?: string): Promise<readonly Endpoint[]> {
    const id = network === undefined ? undefined : (await this.#find(network)).info.id;
    return this.#made(id).map(({ endpoint }) => endpoint);
  }

  async publish(network: string, endpoint: string, ports: readonly PublishedPort[]): Promise<Endpoint> {
    const found = await this.#find(network);
    const changed = await this.#host.use(async ({ side, work }, isAgain) => {
      const record = this.#endpoint(found, endpoint);
      // Ports that it chose the first time have been taken back in the records alone.
      if (isAgain) await side.settlePorts(found, record);
      return await work.publish(found, record, ports);
    });
    return changed.endpoint;
  }

  async unpublish(network: string, endpoint: string, ports: readonly PublishedPort[]): Promise<Endpoint> {
    const found = await this.#find(network);
    const record = this.#endpoint(found, endpoint);
    return (await this.#host.use(({ work }) => work.unpublish(found, record, ports))).endpoint;
  }

  async setEgress(network: string, endpoint: string, policy: EgressPolicy): Promise<Endpoint> {
    const found = await this.#find(network);
    const disjoint = disjointPolicy(policy);
    const changed = await this.#host.use(({ side, work }) =>
      setEgress(side, work, { network: found, record: this.#endpoint(found, endpoint) }, disjoint),
    );
    return changed.endpoint;
  }

  async hostsEntries(network: string): Promise<readonly HostsEntry[]> {
    const { info } = await this.#find(network);
    return this.#made(info.id).flatMap(({ endpoint: { addresses, names } }) =>
      names.length === 0 ? [] : addresses.map((address) => ({ address: address.split("/", 1)[0] ?? "", names })),
    );
  }

  async cleanup(): Promise<void> {
    // Where nothing is held for nothing that is connected, nothing is left over.
    const isIdle = this.#userHost?.host.find() === undefined && this.#records.endpoints().length === 0;
    if (this.#userHost !== undefined && isIdle) return await this.#userHost.uplink.end();
    await this.#host.use(({ side, work }) => cleanUp(side, this.#records, work));
    this.#userHost?.host.mended();
    await this.#release();
  }

  async mend(): Promise<void> {
    if (this.#userHost === undefined) return;
    const { host, uplink } = this.#userHost;
    const made = this.#made(undefined);
    if (made.length === 0) return;
    const held = host.find();
    const leadsOut = made.some(({ endpoint }) => this.#records.network(endpoint.network)?.info.internal === false);
    if (held === undefined || host.isCut || (leadsOut && !uplink.isThere(held))) await this.cleanup();
  }

  async close(): Promise<void> {
    await this.#host.close();
  }

  /** Gives back what an ordinary user's bridges stand in when nothing is connected any more. */
  async #release(): Promise<void> {
    const { host, uplink } = this.#userHost ?? {};
    const isReleased = await host?.releaseUnlessNeeded(async () => await uplink?.end());
    // It would keep the namespace alive; what else is being done goes on in there until then.
    if (isReleased === true) await this.#host.retire();
  }

  /** Whether somebody was killed while it was at an endpoint: then there may be more that it has left. */
  #hasDeadMaker(): boolean {
    return this.#records.unfinished().some(({ maker }) => !isMarkAlive(maker));
  }

  /** Of endpoints that are there in full. */
  #made(network: string | undefined): readonly EndpointRecord[] {
    return this.#records.endpoints(network).filter(({ state }) => state === "made");
  }

  /** The default network is written down by whoever asks first. */
  async #find(network: string): Promise<NetworkRecord> {
    const known = this.#records.network(network);
    if (known !== undefined) return known;
    if (network !== DEFAULT_NETWORK) {
      throw new OrlopError("not-found", `Cannot find network "${network}": there is none of this name or id`);
    }
    try {
      return await this.#host.use(async ({ side }) => {
        const ipv6 = await hasProtocol6(side.namespace);
        return await insertNetwork(side, this.#records, { name: DEFAULT_NETWORK, ipv6 });
      });
    } catch (error) {
      const other = this.#records.network(network);
      if (other !== undefined) return other;
      throw error;
    } finally {
      await this.#release();
    }
  }

  #endpoint({ info }: NetworkRecord, endpoint: string): EndpointRecord {
    const record = this.#records.endpoint(info.id, endpoint);
    if (record?.state === "made") return record;
    throw new OrlopError("not-found", `Cannot find endpoint "${endpoint}": network "${info.name}" has none of this id`);
  }
}

/** At home where the user's host is now. */
function relayOfUser(
  { host, uplink }: UserBridgeHost,
  records: NetworkRecords,
  withWork: (relay: NetworkRelay, side: HostSide) => Host,
): ConstructorParameters<typeof LastingRelay<Host>>[0] {
  let held: HeldHost | undefined;
  return {
    start: async () => {
      held = await host.hold();
      return await NetworkRelay.start(held.net, held.user);
    },
    isCurrent: () => held !== undefined && host.find()?.identity === held.identity,
    prepare: (relay) => {
      if (held === undefined) throw new Error("a relay starts before it is used");
      const current = held;
      return withWork(
        relay,
        new HostSide({
          namespace: relay.home,
          records,
          identity: hostIdentity(current.net),
          wayOut: (rules) => new UserWayOut({ host: current, uplink, rules, records, namespace: relay.home }),
        }),
      );
    },
  };
}
