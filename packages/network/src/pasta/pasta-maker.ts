import type { Endpoint } from "@orlop/core";
import type { EndpointJob, MadeEndpoint } from "../configured/endpoint-maker.ts";
import { USER_ADDRESS, userNamespaces } from "../configured/user-endpoint.ts";
import { UserEndpointMaker } from "../configured/user-endpoint-maker.ts";
import { pastaPorts } from "./pasta-ports.ts";
import { PastaProcesses } from "./pasta-process.ts";

/** Endpoints by pasta(1), which takes its ports when it starts. */
export class PastaMaker extends UserEndpointMaker<PastaProcesses> {
  /** @param directory exists, and is on a file system that a restart of the machine empties */
  constructor(directory: string) {
    super("pasta", new PastaProcesses(directory), false);
  }

  async make({ record }: EndpointJob): Promise<MadeEndpoint> {
    const { endpoint, namespace, link } = record;
    const complaint = await this.processes.start(link, pastaArguments(endpoint, namespace.path));
    if (complaint === undefined) return {};
    // Somebody has bound it since it was looked at.
    const code = complaint.startsWith("Failed to bind") ? "conflict" : "failed";
    throw this.complaint(record, code, complaint);
  }
}

function pastaArguments(endpoint: Endpoint, namespacePath: string): readonly string[] {
  return [
    ...["--quiet", "--config-net", "--ipv4-only"],
    ...["--address", USER_ADDRESS.own, "--netmask", `${USER_ADDRESS.prefixLength}`, "--gateway", USER_ADDRESS.gateway],
    ...["--ns-ifname", endpoint.interfaceName, "--ns-mac-addr", endpoint.hardwareAddress],
    ...["--dns-forward", USER_ADDRESS.names],
    // The gateway does not stand for the host's loopback, and nothing else of the namespace leads there either.
    ...["--no-map-gw", "--tcp-ns", "none", "--udp-ns", "none"],
    ...pastaPorts("--tcp-ports", endpoint.ports, "tcp"),
    ...pastaPorts("--udp-ports", endpoint.ports, "udp"),
    ...["--userns", `${userNamespaces(namespacePath)}/user`, "--netns", namespacePath],
  ];
}
