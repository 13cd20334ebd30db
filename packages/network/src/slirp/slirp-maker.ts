import type { Endpoint } from "@orlop/core";
import type { EndpointJob, MadeEndpoint } from "../configured/endpoint-maker.ts";
import { USER_ADDRESS, userNamespaces } from "../configured/user-endpoint.ts";
import { UserEndpointMaker } from "../configured/user-endpoint-maker.ts";
import { SlirpProcesses } from "./slirp-process.ts";

/** The largest that it has; nothing of it goes over a wire. */
const MTU = 65_520;

/** Endpoints by slirp4netns(1), which has a whole stack of TCP and UDP of its own and takes ports while it runs. */
export class SlirpMaker extends UserEndpointMaker<SlirpProcesses> {
  /** @param directory exists, and is on a file system that a restart of the machine empties */
  constructor(directory: string) {
    super("slirp4netns", new SlirpProcesses(directory), true);
  }

  async make(job: EndpointJob): Promise<MadeEndpoint> {
    const { endpoint, namespace, link } = job.record;
    const complaint = await this.processes.start(link, [
      // Not --enable-sandbox: it becomes root of the container's user namespace for it, which few of them let it.
      ...["--configure", `--mtu=${MTU}`, "--disable-host-loopback", "--enable-seccomp"],
      `--macaddress=${endpoint.hardwareAddress}`,
      `--userns-path=${userNamespaces(namespace.path)}/user`,
      ...["--netns-type=path", namespace.path, endpoint.interfaceName],
    ]);
    if (complaint !== undefined) throw this.complaint(job.record, "failed", complaint);
    await this.publish(job, endpoint.ports);
    return {};
  }

  async publish({ record }: EndpointJob, ports: Endpoint["ports"]): Promise<void> {
    await this.processes.publish(record.link, USER_ADDRESS.own, ports);
  }

  async unpublish({ record }: EndpointJob, ports: Endpoint["ports"]): Promise<void> {
    await this.processes.unpublish(record.link, ports);
  }
}
