import type { Reference } from "@orlop/core";
import { HostConnections } from "./hosts/host-connections.ts";
import { isLoopback } from "./is-loopback.ts";
import type { RegistryCapability, RegistryEndpoint } from "./registry-endpoint.ts";

/** Docker's own registry is not at its name. */
const DOCKER_HUB = { registry: "docker.io", host: "registry-1.docker.io" };

const ALL_CAPABILITIES: ReadonlySet<RegistryCapability> = new Set(["pull", "resolve", "push"]);

/** The host and port at which a registry is, when nothing else is configured. */
export function defaultHost(registry: string): string {
  return registry === DOCKER_HUB.registry ? DOCKER_HUB.host : registry;
}

/** How the hosts of a registry at its own name are reached, when nothing is configured. */
export function defaultConnections(registry: string, insecure: boolean): HostConnections {
  return new HostConnections(defaultHost(registry), { skipVerify: insecure });
}

/**
 * A registry at its own name: over TLS, on this machine in whichever way it answers, and elsewhere in plain text only when it
 * may be insecure and does not speak TLS.
 */
export function defaultEndpoint(
  { registry, repository }: Pick<Reference, "registry" | "repository">,
  connections: HostConnections,
  insecure: boolean,
): RegistryEndpoint {
  const authority = defaultHost(registry);
  const secure = new URL(`https://${authority}/v2/`);
  const plain = new URL(`http://${authority}/v2/`);
  const isHere = isLoopback(secure.hostname);
  return {
    host: registry,
    base: isHere ? plain : secure,
    ...(isHere ? { otherBase: secure } : insecure ? { otherBase: plain } : {}),
    repository,
    capabilities: ALL_CAPABILITIES,
    settingsFor: (url) => connections.settingsFor(url),
    isPlainByChoice: insecure,
    headers: {},
    countsPulls: registry === DOCKER_HUB.registry,
  };
}
