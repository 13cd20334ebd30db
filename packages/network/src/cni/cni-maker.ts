import {
  type ConnectRequest,
  type Endpoint,
  type NetworkFeatures,
  type NetworkInfo,
  OrlopError,
  PORT_PROTOCOLS,
} from "@orlop/core";
import { NetworkRelay } from "@orlop/kernel/netlink";
import { freeInterfaceName } from "../bridge/endpoint-links.ts";
import { linkNames } from "../bridge/host-links.ts";
import type {
  ConfiguredNetwork,
  EndpointFacts,
  EndpointJob,
  EndpointMaker,
  EndpointPlan,
  MadeEndpoint,
} from "../configured/endpoint-maker.ts";
import { LastingRelay } from "../lasting-relay.ts";
import { isNamespaceThere, namespacePath } from "../namespace-path.ts";
import { checkHostPorts } from "../ports/host-ports.ts";
import type { EndpointRecord, EndpointWishes } from "../records/network-records.ts";
import { CniChain, type HeldAttachment, type RuntimeConfig } from "./cni-chain.ts";
import { mayLeadOut } from "./cni-default-route.ts";
import { type CniAttachment, CniPrograms } from "./cni-program.ts";
import { factsOf } from "./cni-result.ts";
import { subnetsOf } from "./cni-subnets.ts";
import { type Conflist, readConflists } from "./conflist.ts";

const CNI_DRIVER = "cni";

interface CniMakerOptions {
  /** Where configurations are. */
  readonly configDirectory: string;
  /** Where plug-ins are, those first that come first. */
  readonly pluginDirectories: readonly string[];
  /** The network namespace of the host; absent: that of this process. */
  readonly hostNamespace: string | undefined;
  /** Held while a plug-in runs. */
  readonly lockFile: string;
  /** Whether nobody else uses the networks, so that what is not known here belongs to nobody. */
  readonly collect: boolean;
}

const FEATURES: NetworkFeatures = {
  create: false,
  staticAddresses: true,
  ipv6: true,
  internal: false,
  connectWhileRunning: true,
  publish: PORT_PROTOCOLS,
  publishWhileRunning: false,
  egress: false,
  rootless: false,
};

/** CNI specification, section 2: CNI_CONTAINERID. */
const CONTAINER_ID = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Endpoints by the plug-ins that somebody has configured. */
export class CniMaker implements EndpointMaker {
  readonly name: string = CNI_DRIVER;
  readonly features: NetworkFeatures = FEATURES;
  readonly joinsEndpoints: boolean = true;
  readonly givesUp: boolean = true;
  readonly #options: CniMakerOptions;
  readonly #chain: CniChain;
  readonly #relay: LastingRelay<NetworkRelay>;

  constructor(options: CniMakerOptions) {
    const { pluginDirectories: directories, hostNamespace, lockFile } = options;
    this.#options = options;
    this.#relay = new LastingRelay({ start: () => NetworkRelay.start(hostNamespace), prepare: (relay) => relay });
    this.#chain = new CniChain(new CniPrograms({ directories, hostNamespace, lockFile }));
  }

  /** As all runtimes have it: that of the first file. */
  get defaultNetwork(): string {
    return this.#lists()[0]?.name ?? CNI_DRIVER;
  }

  async networks(): Promise<readonly ConfiguredNetwork[]> {
    return this.#lists().map((list) => ({
      name: list.name,
      subnets: subnetsOf(list),
      internal: false,
      labels: {},
      options: {},
    }));
  }

  async plan({ name }: NetworkInfo, request: ConnectRequest, wishes: EndpointWishes): Promise<EndpointPlan> {
    const { endpoint } = request;
    const list = this.#lists().find((each) => each.name === name);
    if (list === undefined) throw new OrlopError("not-found", `Cannot find network "${name}": it is gone`);
    refuse(list, endpoint, wishes);
    const interfaceName = await this.#relay.use(async (relay) => {
      await using inside = await relay.openNamespace(namespacePath(request.namespace));
      const free = wishes.interfaceName ?? (await freeInterfaceName(inside));
      if (!(await linkNames(inside)).has(free)) return free;
      const problem = `its namespace has an interface "${free}" already`;
      throw new OrlopError("exists", `Cannot connect endpoint "${endpoint}": ${problem}`);
    });
    await this.#chain.status(list);
    const held: HeldAttachment = { list };
    return { facts: { interfaceName, ...factsOf({}, interfaceName) }, held };
  }

  async checkPorts(ports: Endpoint["ports"]): Promise<void> {
    await this.#relay.use(async ({ home }) => {
      for (const port of ports) await checkHostPorts(home, port);
    });
  }

  async make({ record }: EndpointJob): Promise<MadeEndpoint> {
    const { list } = heldBy(record);
    const result = await this.#chain.add(list, attachmentOf(record), runtimeConfigOf(record));
    const facts: Partial<EndpointFacts> = factsOf(result, record.endpoint.interfaceName);
    const held: HeldAttachment = { list, result };
    return { facts, held };
  }

  async unmake({ record }: EndpointJob): Promise<void> {
    await this.#chain.delete(heldBy(record), attachmentOf(record), runtimeConfigOf(record));
  }

  /** Its interface may have been taken away, or its namespace be another one. */
  async isThere({ record }: EndpointJob): Promise<boolean> {
    return await this.#relay.use(async (relay) => {
      await using inside = await relay.openNamespace(record.namespace.path);
      return (await linkNames(inside)).has(record.endpoint.interfaceName);
    });
  }

  async check({ record }: EndpointJob): Promise<void> {
    await this.#chain.check(heldBy(record), attachmentOf(record), runtimeConfigOf(record));
  }

  async removeStrays(known: () => readonly EndpointRecord[]): Promise<void> {
    // What other runtimes have attached to the same networks is not known here, and would be removed.
    if (!this.#options.collect) return;
    for (const list of this.#lists()) {
      const own = known().filter((record) => heldBy(record).list.name === list.name);
      await this.#chain.collect(list, own.map(attachmentOf));
    }
  }

  async close(): Promise<void> {
    await this.#relay.close();
  }

  #lists(): readonly Conflist[] {
    return readConflists(this.#options.configDirectory);
  }
}

/** @throws OrlopError `unsupported` for a wish that no plug-in of the list takes, `invalid` */
function refuse(list: Conflist, endpoint: string, wishes: EndpointWishes): void {
  const cannot = (problem: string, code: "invalid" | "unsupported" = "unsupported"): OrlopError =>
    new OrlopError(code, `Cannot connect endpoint "${endpoint}" to "${list.name}": ${problem}`);
  if (!CONTAINER_ID.test(endpoint)) throw cannot("its id is none that CNI has for containers", "invalid");
  if (wishes.noDefaultRoute === true && mayLeadOut(list)) {
    throw cannot("its CNI configuration may make a second default route");
  }
  const wanted = { portMappings: wishes.ports, ips: wishes.addresses, mac: wishes.hardwareAddress };
  for (const [capability, wish] of Object.entries(wanted)) {
    if (wish === undefined || list.plugins.some(({ capabilities }) => capabilities.includes(capability))) continue;
    throw cannot(`none of its CNI plug-ins has the capability "${capability}"`);
  }
}

function heldBy({ held }: EndpointRecord): HeldAttachment {
  return held as HeldAttachment;
}

function attachmentOf({ endpoint, namespace }: EndpointRecord): CniAttachment {
  const { id, interfaceName } = endpoint;
  return { containerId: id, interfaceName, ...(isNamespaceThere(namespace) ? { namespace: namespace.path } : {}) };
}

/** CONVENTIONS.md of the CNI specification, "capabilities". */
function runtimeConfigOf({ endpoint, wishes }: EndpointRecord): RuntimeConfig {
  const portMappings = endpoint.ports.flatMap(({ protocol, hostAddress, hostPort, containerPort, count }) =>
    Array.from({ length: count }, (_, index) => ({
      hostIP: hostAddress,
      hostPort: hostPort + index,
      containerPort: containerPort + index,
      protocol,
    })),
  );
  return {
    ...(portMappings.length === 0 ? {} : { portMappings }),
    ...(wishes.addresses === undefined ? {} : { ips: wishes.addresses }),
    ...(wishes.hardwareAddress === undefined ? {} : { mac: wishes.hardwareAddress }),
  };
}
