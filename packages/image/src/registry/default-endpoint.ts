import type { Reference } from "@orlop/core";
import type { ConnectionSettings } from "./http/http-exchange.ts";
import type { RegistryCapability, RegistryEndpoint } from "./registry-endpoint.ts";

/** Docker's own registry is not at its name. */
const DOCKER_HUB = { registry: "docker.io", host: "registry-1.docker.io" };

const ALL_CAPABILITIES: ReadonlySet<RegistryCapability> = new Set(["pull", "resolve", "push"]);

/** This machine, by name or address (RFC 6761, section 6.3; RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3). */
function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  return name === "localhost" || name.endsWith(".localhost") || name === "::1" || /^127(?:\.\d{1,3}){3}$/.test(name);
}

/**
 * A registry at its own name, about which nothing is configured: over TLS, but in plain text where that is asked for, and on
 * this machine in whichever way it answers.
 */
export function defaultEndpoint(
  { registry, repository }: Pick<Reference, "registry" | "repository">,
  settings: ConnectionSettings,
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
    settings,
    headers: {},
    countsPulls: isHub,
  };
}
