import type { Reference } from "@orlop/core";
import type { ConnectionSettings } from "./http/http-exchange.ts";
import { isLoopback } from "./is-loopback.ts";
import type { RegistryCapability, RegistryEndpoint } from "./registry-endpoint.ts";

/** Docker's own registry is not at its name. */
const DOCKER_HUB = { registry: "docker.io", host: "registry-1.docker.io" };

const ALL_CAPABILITIES: ReadonlySet<RegistryCapability> = new Set(["pull", "resolve", "push"]);

/**
 * A registry at its own name, about which nothing is configured: over TLS, but in plain text where that is asked for, and on
 * this machine in whichever way it answers.
 */
export function defaultEndpoint(
  { registry, repository }: Pick<Reference, "registry" | "repository">,
  settingsFor: (url: URL) => ConnectionSettings,
  plainHttp: boolean,
): RegistryEndpoint {
  const isHub = registry === DOCKER_HUB.registry;
  const authority = isHub ? DOCKER_HUB.host : registry;
  const secure = new URL(`https://${authority}/v2/`);
  const plain = new URL(`http://${authority}/v2/`);
  const isGuess = !plainHttp && isLoopback(secure.hostname);
  return {
    host: registry,
    base: plainHttp || isGuess ? plain : secure,
    ...(isGuess ? { otherBase: secure } : {}),
    repository,
    capabilities: ALL_CAPABILITIES,
    settingsFor,
    isPlainByChoice: plainHttp,
    headers: {},
    countsPulls: isHub,
  };
}
