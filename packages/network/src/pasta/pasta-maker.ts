import { type ConnectRequest, type Endpoint, type NetworkFeatures, type NetworkInfo, OrlopError } from "@orlop/core";
import type {
  ConfiguredNetwork,
  EndpointJob,
  EndpointMaker,
  EndpointPlan,
  MadeEndpoint,
} from "../configured/endpoint-maker.ts";
import { USER_ADDRESS, userEndpointFacts, userNamespaces } from "../configured/user-endpoint.ts";
import { checkOwnPort } from "../ports/own-ports.ts";
import type { EndpointRecord, EndpointWishes } from "../records/network-records.ts";
import { PastaProcesses } from "./pasta-process.ts";

const PASTA_DRIVER = "pasta";

const FEATURES: NetworkFeatures = {
  create: false,
  staticAddresses: false,
  ipv6: false,
  internal: false,
  connectWhileRunning: true,
  publish: ["tcp", "udp"],
  publishWhileRunning: false,
  egress: false,
  rootless: true,
};

/** Endpoints of ordinary users: pasta(1) beside each namespace, which turns its packets into sockets of its own. */
export class PastaMaker implements EndpointMaker {
  readonly name: string = PASTA_DRIVER;
  readonly defaultNetwork: string = PASTA_DRIVER;
  readonly features: NetworkFeatures = FEATURES;
  readonly joinsEndpoints: boolean = false;
  readonly #processes: PastaProcesses;

  /** @param directory exists, and is on a file system that a restart of the machine empties */
  constructor(directory: string) {
    this.#processes = new PastaProcesses(directory);
  }

  async networks(): Promise<readonly ConfiguredNetwork[]> {
    const subnets = [{ prefix: USER_ADDRESS.prefix, gateway: USER_ADDRESS.gateway }];
    return [{ name: PASTA_DRIVER, subnets, internal: false, labels: {}, options: {} }];
  }

  async plan(_: NetworkInfo, request: ConnectRequest, wishes: EndpointWishes): Promise<EndpointPlan> {
    return { facts: userEndpointFacts(PASTA_DRIVER, request, wishes) };
  }

  async checkPorts(ports: Endpoint["ports"]): Promise<void> {
    for (const port of ports) await checkOwnPort(port);
  }

  async make({ record }: EndpointJob): Promise<MadeEndpoint> {
    const { endpoint, namespace, link } = record;
    const complaint = await this.#processes.start(link, pastaArguments(endpoint, namespace.path));
    if (complaint === undefined) return {};
    // Somebody has bound it since it was looked at.
    const code = complaint.startsWith("Failed to bind") ? "conflict" : "failed";
    throw new OrlopError(code, `Cannot connect endpoint "${endpoint.id}": pasta says "${complaint}"`);
  }

  async unmake({ record }: EndpointJob): Promise<void> {
    await this.#processes.end(record.link);
  }

  async isThere({ record }: EndpointJob): Promise<boolean> {
    return this.#processes.isThere(record.link);
  }

  /** It goes on as a whole, or not at all. */
  async check(): Promise<void> {}

  async removeStrays(known: () => readonly EndpointRecord[]): Promise<void> {
    const keys = this.#processes.keys();
    const links = new Set(known().map(({ link }) => link));
    for (const key of keys) if (!links.has(key)) await this.#processes.end(key);
  }

  close(): void {}
}

function pastaArguments(endpoint: Endpoint, namespacePath: string): readonly string[] {
  return [
    ...["--quiet", "--config-net", "--ipv4-only"],
    ...["--address", USER_ADDRESS.own, "--netmask", `${USER_ADDRESS.prefixLength}`, "--gateway", USER_ADDRESS.gateway],
    ...["--ns-ifname", endpoint.interfaceName, "--ns-mac-addr", endpoint.hardwareAddress],
    ...["--dns-forward", USER_ADDRESS.names],
    // The gateway does not stand for the host's loopback, and nothing else of the namespace leads there either.
    ...["--no-map-gw", "--tcp-ns", "none", "--udp-ns", "none"],
    ...portArguments("--tcp-ports", endpoint, "tcp"),
    ...portArguments("--udp-ports", endpoint, "udp"),
    ...["--userns", `${userNamespaces(namespacePath)}/user`, "--netns", namespacePath],
  ];
}

/** One by one: of a range, pasta is content with one that it can bind. */
function portArguments(option: string, { ports }: Endpoint, protocol: "tcp" | "udp"): readonly string[] {
  const own = ports.filter((port) => port.protocol === protocol);
  if (own.length === 0) return [option, "none"];
  return own.flatMap(({ hostAddress, hostPort, containerPort, count }) =>
    Array.from({ length: count }, (_, index) => [
      option,
      `${hostAddress}/${hostPort + index}:${containerPort + index}`,
    ]).flat(),
  );
}
