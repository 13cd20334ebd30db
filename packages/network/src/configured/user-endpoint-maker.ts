import { accessSync, constants } from "node:fs";
import { type ConnectRequest, type Endpoint, type NetworkFeatures, type NetworkInfo, OrlopError } from "@orlop/core";
import { checkOwnPort } from "../ports/own-ports.ts";
import type { EndpointRecord, EndpointWishes } from "../records/network-records.ts";
import type { ConfiguredNetwork, EndpointJob, EndpointMaker, EndpointPlan, MadeEndpoint } from "./endpoint-maker.ts";
import type { SideProcesses } from "./side-processes.ts";
import { USER_ADDRESS, userEndpointFacts } from "./user-endpoint.ts";

const TUN = "/dev/net/tun";

/** Endpoints of ordinary users: a process beside each namespace, which turns its packets into sockets of its own. */
export abstract class UserEndpointMaker<P extends SideProcesses> implements EndpointMaker {
  readonly name: string;
  readonly defaultNetwork: string;
  readonly features: NetworkFeatures;
  readonly joinsEndpoints: boolean = false;
  protected readonly processes: P;

  /** @param name the program's, and with it the driver's and that of its one network */
  protected constructor(name: string, processes: P, publishWhileRunning: boolean) {
    this.name = name;
    this.defaultNetwork = name;
    this.processes = processes;
    this.features = {
      create: false,
      staticAddresses: false,
      ipv6: false,
      internal: false,
      connectWhileRunning: true,
      publish: ["tcp", "udp"],
      publishWhileRunning,
      egress: false,
      rootless: true,
    };
  }

  /** What the program had to say when it did not start, and what to do about it. */
  protected complaint({ endpoint }: EndpointRecord, code: "conflict" | "failed", said: string): OrlopError {
    const problem = `Cannot connect endpoint "${endpoint.id}": ${this.name} says "${said}"`;
    const hint = canUseTun() ? "" : `\nTry "chmod 0666 ${TUN}" as root: it needs that device.`;
    return new OrlopError(code, `${problem}${hint}`);
  }

  abstract make(job: EndpointJob): Promise<MadeEndpoint>;

  async networks(): Promise<readonly ConfiguredNetwork[]> {
    const subnets = [{ prefix: USER_ADDRESS.prefix, gateway: USER_ADDRESS.gateway }];
    return [{ name: this.name, subnets, internal: false, labels: {}, options: {} }];
  }

  async plan(_: NetworkInfo, request: ConnectRequest, wishes: EndpointWishes): Promise<EndpointPlan> {
    return { facts: userEndpointFacts(this.name, request, wishes) };
  }

  async checkPorts(ports: Endpoint["ports"]): Promise<void> {
    for (const port of ports) await checkOwnPort(port);
  }

  async unmake({ record }: EndpointJob): Promise<void> {
    await this.processes.end(record.link);
  }

  async isThere({ record }: EndpointJob): Promise<boolean> {
    return this.processes.isThere(record.link);
  }

  /** The process goes on as a whole, or not at all. */
  async check(): Promise<void> {}

  async removeStrays(known: () => readonly EndpointRecord[]): Promise<void> {
    const keys = this.processes.keys();
    const links = new Set(known().map(({ link }) => link));
    for (const key of keys) if (!links.has(key)) await this.processes.end(key);
  }

  async close(): Promise<void> {}
}

function canUseTun(): boolean {
  try {
    accessSync(TUN, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
