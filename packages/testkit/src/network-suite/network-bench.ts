import { setTimeout } from "node:timers/promises";
import type { ConnectRequest, Endpoint, NetworkDriver } from "@orlop/core";
import { NetworkRelay } from "@orlop/kernel/netlink";
import { addAddress, addRoute, changeLink, createLink, listLinks } from "@orlop/kernel/rtnetlink";
import { holdNamespaces, type NamespaceHolder } from "../namespace-holder.ts";
import { patience } from "../patience.ts";
import { temporaryDirectory } from "../temporary-directory.ts";
import type { MakeNetworkDriver, NetworkSubject } from "./network-subject.ts";
import { Peer } from "./peer.ts";

const CLEAN_UP_MAX_MS = patience(10_000);

/** The world: a machine beside the host, which knows no way into its networks. RFC 5737, RFC 3849. */
export const WORLD = {
  address4: "192.0.2.2",
  address6: "2001:db8::2",
  host4: "192.0.2.1",
  host6: "2001:db8::1",
} as const;

/** A namespace that is connected, and what listens and asks in it. */
export interface BenchContainer {
  readonly path: string;
  readonly peer: Peer;
  readonly endpoint: Endpoint;
  /** The endpoint's address of IPv4, without the length of its prefix. */
  readonly address: string;
}

/** A host with a neighbour, and containers, each a network namespace of its own. */
export class NetworkBench implements AsyncDisposable {
  readonly directory: string;
  /** Path of the host's namespace. */
  readonly hostPath: string;
  readonly #subject: NetworkSubject;
  readonly #stack: AsyncDisposableStack;
  readonly #relay: NetworkRelay;
  #containers = 0;

  private constructor(
    directory: string,
    hostPath: string,
    subject: NetworkSubject,
    relay: NetworkRelay,
    stack: AsyncDisposableStack,
  ) {
    this.directory = directory;
    this.hostPath = hostPath;
    this.#subject = subject;
    this.#relay = relay;
    this.#stack = stack;
  }

  /** @param hostPath a network namespace that is used up; absent: a new one */
  static async open(make: MakeNetworkDriver, hostPath?: string): Promise<NetworkBench> {
    await using stack = new AsyncDisposableStack();
    const directory = stack.use(temporaryDirectory());
    const path = hostPath ?? stack.use(await holdNamespaces(["net"])).path("net");
    const relay = stack.use(await NetworkRelay.start(path));
    await relay.home.route(changeLink("lo", { up: true }));
    const subject = stack.use(await make(directory.path, path));
    return new NetworkBench(directory.path, path, subject, relay, stack.move());
  }

  get driver(): NetworkDriver {
    return this.#subject.driver;
  }

  /** A driver of another process. */
  another(): Promise<NetworkDriver> {
    return this.#subject.another();
  }

  /** What listens and asks on the host itself. */
  async hostPeer(): Promise<Peer> {
    return this.#stack.use(await Peer.start(this.hostPath, "host"));
  }

  /** Joins the host to the world, and gives what listens and asks there. */
  async world(): Promise<Peer & { readonly path: string }> {
    const path = this.#stack.use(await holdNamespaces(["net"])).path("net");
    await using inside = await this.#relay.openNamespace(path);
    await inside.route(changeLink("lo", { up: true }));
    const data = { peer: { name: "uplink", netnsFd: inside.fd } };
    await this.#relay.home.route(createLink({ name: "uplink", kind: { kind: "veth", data } }));
    await configure(this.#relay.home, [`${WORLD.host4}/24`, `${WORLD.host6}/64`]);
    await configure(inside, [`${WORLD.address4}/24`, `${WORLD.address6}/64`]);
    const index = await indexOf(this.#relay.home, "uplink");
    await this.#relay.home.route(
      addRoute({ destination: "0.0.0.0/0", gateway: WORLD.address4, outputInterface: index }),
    );
    return Object.assign(this.#stack.use(await Peer.start(path, "world")), { path });
  }

  /** A namespace of its own that nothing is connected to yet. */
  async namespace(): Promise<NamespaceHolder & { readonly net: string }> {
    const { holder, path } = await this.#namespace();
    return Object.assign(holder, { net: path });
  }

  /** A namespace, connected to one network. */
  async container(request: Partial<ConnectRequest> = {}): Promise<BenchContainer> {
    this.#containers += 1;
    const { path } = await this.#namespace();
    const endpoint = await this.driver.connect({
      network: this.driver.defaultNetwork,
      endpoint: `container-${this.#containers}`,
      namespace: { path },
      ...request,
    });
    const peer = this.#stack.use(await Peer.start(path, endpoint.id));
    const [address = ""] = endpoint.addresses.map((each) => each.split("/", 1)[0] ?? "");
    return { path, peer, endpoint, address };
  }

  /** Names of the interfaces of a namespace, that of the bridges where none is said. */
  async interfaces(given?: string): Promise<readonly string[]> {
    const { bridges } = this.#subject;
    const path = given ?? (bridges === undefined ? this.hostPath : bridges());
    if (path === undefined) return [];
    await using namespace = await this.#relay.openNamespace(path);
    const links = await namespace.values("route", listLinks());
    return links.map(({ name = "" }) => name).toSorted();
  }

  /** Cleans up again and again until it has had the effect: the kernel takes its time with what it ends. */
  async cleanUpUntil(settled: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + CLEAN_UP_MAX_MS;
    for (;;) {
      await this.driver.cleanup();
      if (await settled()) return;
      if (performance.now() > deadline) throw new Error("cleaning up has no effect");
      await setTimeout(5);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #namespace(): Promise<{ readonly holder: NamespaceHolder; readonly path: string }> {
    const make = this.#subject.namespace ?? (() => holdNamespaces(["net"]));
    const holder = this.#stack.use(await make());
    const path = holder.path("net");
    await using namespace = await this.#relay.openNamespace(path);
    await namespace.route(changeLink("lo", { up: true }));
    return { holder, path };
  }
}

type Namespace = NetworkRelay["home"];

async function configure(namespace: Namespace, addresses: readonly string[]): Promise<void> {
  const index = await indexOf(namespace, "uplink");
  await namespace.route(
    changeLink(index, { up: true }),
    ...addresses.map((address) =>
      addAddress({ index, address, ...(address.includes(":") ? { flags: ["IFA_F_NODAD"] } : {}) }),
    ),
  );
}

async function indexOf(namespace: Namespace, name: string): Promise<number> {
  const link = (await namespace.values("route", listLinks())).find((each) => each.name === name);
  if (link === undefined) throw new Error(`there is no ${name}`);
  return link.index;
}
