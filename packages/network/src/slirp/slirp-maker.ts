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
import { SlirpProcesses } from "./slirp-process.ts";

const SLIRP_DRIVER = "slirp4netns";

const FEATURES: NetworkFeatures = {
  create: false,
  staticAddresses: false,
  ipv6: false,
  internal: false,
  connectWhileRunning: true,
  publish: ["tcp", "udp"],
  publishWhileRunning: true,
  egress: false,
  rootless: true,
};

/** The largest that it has; nothing of it goes over a wire. */
const MTU = 65_520;

/** Endpoints of ordinary users: slirp4netns(1) beside each namespace, which has a whole stack of TCP and UDP of its own. */
export class SlirpMaker implements EndpointMaker {
  readonly name: string = SLIRP_DRIVER;
  readonly defaultNetwork: string = SLIRP_DRIVER;
  readonly features: NetworkFeatures = FEATURES;
  readonly joinsEndpoints: boolean = false;
  readonly #processes: SlirpProcesses;

  /** @param directory exists, and is on a file system that a restart of the machine empties */
  constructor(directory: string) {
    this.#processes = new SlirpProcesses(directory);
  }

  async networks(): Promise<readonly ConfiguredNetwork[]> {
    const subnets = [{ prefix: USER_ADDRESS.prefix, gateway: USER_ADDRESS.gateway }];
    return [{ name: SLIRP_DRIVER, subnets, internal: false, labels: {}, options: {} }];
  }

  async plan(_: NetworkInfo, request: ConnectRequest, wishes: EndpointWishes): Promise<EndpointPlan> {
    return { facts: userEndpointFacts(SLIRP_DRIVER, request, wishes) };
  }

  async checkPorts(ports: Endpoint["ports"]): Promise<void> {
    for (const port of ports) await checkOwnPort(port);
  }

  async make(job: EndpointJob): Promise<MadeEndpoint> {
    const { endpoint, namespace, link } = job.record;
    const complaint = await this.#processes.start(link, [
      // Not --enable-sandbox: it becomes root of the container's user namespace for it, which few of them let it.
      ...["--configure", `--mtu=${MTU}`, "--disable-host-loopback", "--enable-seccomp"],
      `--macaddress=${endpoint.hardwareAddress}`,
      `--userns-path=${userNamespaces(namespace.path)}/user`,
      ...["--netns-type=path", namespace.path, endpoint.interfaceName],
    ]);
    if (complaint !== undefined) {
      throw new OrlopError("failed", `Cannot connect endpoint "${endpoint.id}": slirp4netns says "${complaint}"`);
    }
    await this.publish(job, endpoint.ports);
    return {};
  }

  async publish({ record }: EndpointJob, ports: Endpoint["ports"]): Promise<void> {
    await this.#processes.publish(record.link, USER_ADDRESS.own, ports);
  }

  async unpublish({ record }: EndpointJob, ports: Endpoint["ports"]): Promise<void> {
    await this.#processes.unpublish(record.link, ports);
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
