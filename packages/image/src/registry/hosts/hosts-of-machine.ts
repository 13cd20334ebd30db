import { homedir } from "node:os";
import { join } from "node:path";
import type { Reference } from "@orlop/core";
import { defaultEndpoint, defaultHost } from "../default-endpoint.ts";
import type { RegistryCapability, RegistryEndpoint } from "../registry-endpoint.ts";
import { placesOf, type RulePlace } from "./apply-registry-rule.ts";
import { readConfigFile } from "./config-file.ts";
import { HostConnections } from "./host-connections.ts";
import { findHostDirectory, readCertificates } from "./host-directory.ts";
import { type ConfiguredHost, type HostsFile, parseHostsToml } from "./hosts-toml.ts";
import { type ProxyFor, proxiesOfEnvironment } from "./proxy-environment.ts";
import { type RegistriesConf, readRegistriesConf } from "./registries-conf.ts";

/** The hosts that serve a repository, in the order in which they are asked. @throws OrlopError */
export type HostFinder = (reference: Omit<Reference, "tag">) => Promise<readonly RegistryEndpoint[]>;

export interface MachineHostsOptions {
  /** No certificate has to be good, and where there is no TLS plain text will do. */
  readonly insecure?: boolean;
  /** With certificates for every registry, instead of those that are configured. */
  readonly certDir?: string;
  /** With a directory for each host, instead of containerd's and docker's. */
  readonly hostsDirs?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** What stands in for a registry is not pushed to. */
const MIRROR_CAPABILITIES: ReadonlySet<RegistryCapability> = new Set(["pull", "resolve"]);

/**
 * Finds hosts as the machine and its user have configured them for containerd, docker and podman: docs/registries.md has the
 * order.
 */
export function hostsOfMachine(options: MachineHostsOptions = {}): HostFinder {
  const machine = new MachineHosts(options);
  return (reference) => machine.find(reference);
}

/** One host with what its connections need, made once so that they are shared. */
interface KnownHost {
  readonly configured: ConfiguredHost;
  readonly connections: HostConnections;
}

interface KnownRegistry {
  readonly hosts: readonly KnownHost[];
  readonly server: KnownHost | undefined;
  /** At its own name. */
  readonly connections: HostConnections;
}

class MachineHosts {
  readonly #options: MachineHostsOptions;
  readonly #env: NodeJS.ProcessEnv;
  readonly #proxyFor: ProxyFor;
  readonly #known = new Map<string, Promise<KnownRegistry>>();
  #conf: Promise<RegistriesConf> | undefined;

  constructor(options: MachineHostsOptions) {
    this.#options = options;
    this.#env = options.env ?? process.env;
    this.#proxyFor = proxiesOfEnvironment(this.#env);
  }

  async find(reference: Omit<Reference, "tag">): Promise<readonly RegistryEndpoint[]> {
    this.#conf ??= readRegistriesConf(this.#env);
    const places = placesOf(await this.#conf, reference);
    const found = await Promise.all(places.map((place) => this.#endpointsOf(place)));
    return found.flat();
  }

  async #endpointsOf(place: RulePlace): Promise<readonly RegistryEndpoint[]> {
    const insecure = place.insecure || this.#options.insecure === true;
    const { hosts, server, connections } = await this.#registry(place.registry, insecure);
    const mirrors = hosts.map((host) => configuredEndpoint(place, host, true));
    const own =
      server === undefined
        ? limited(defaultEndpoint(place, connections, insecure), place.isMirror)
        : configuredEndpoint(place, server, place.isMirror);
    return [...mirrors, own];
  }

  #registry(registry: string, insecure: boolean): Promise<KnownRegistry> {
    const key = `${registry} ${insecure}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      known = this.#read(registry, insecure);
      this.#known.set(key, known);
    }
    return known;
  }

  async #read(registry: string, insecure: boolean): Promise<KnownRegistry> {
    const file = await this.#hostsFile(registry);
    const proxyFor = this.#proxyFor;
    const known = (configured: ConfiguredHost): KnownHost => {
      const { certificates, skipVerify, dialTimeoutMs } = configured;
      const limit = dialTimeoutMs === undefined ? {} : { dialTimeoutMs };
      const options = { certificates, skipVerify: skipVerify || insecure, proxyFor, ...limit };
      return { configured, connections: new HostConnections(configured.base.host, options) };
    };
    const certificates = await this.#certificates(registry);
    const server = file?.server;
    return {
      hosts: (file?.hosts ?? []).map(known),
      server: server === undefined ? undefined : known(atItsName(server, registry)),
      connections: new HostConnections(defaultHost(registry), { certificates, skipVerify: insecure, proxyFor }),
    };
  }

  async #hostsFile(registry: string): Promise<HostsFile | undefined> {
    const directory = await findHostDirectory(this.#hostsDirs(), registry, ["_default"]);
    if (directory === undefined) return undefined;
    const path = join(directory, "hosts.toml");
    const text = await readConfigFile(path);
    return text === undefined ? undefined : await parseHostsToml(path, text);
  }

  async #certificates(registry: string): ReturnType<typeof readCertificates> {
    const { certDir } = this.#options;
    if (certDir !== undefined) return await readCertificates(certDir);
    const roots = [join(this.#configHome(), "containers/certs.d"), "/etc/containers/certs.d"];
    for (const root of [...roots, ...this.#hostsDirs(), "/etc/docker/certs.d"]) {
      const directory = await findHostDirectory([root], registry);
      const found = directory === undefined ? {} : await readCertificates(directory);
      if (Object.keys(found).length > 0) return found;
    }
    return {};
  }

  #hostsDirs(): readonly string[] {
    const own = ["containerd/certs.d", "docker/certs.d"].map((name) => join(this.#configHome(), name));
    return this.#options.hostsDirs ?? [...own, "/etc/containerd/certs.d", "/etc/docker/certs.d"];
  }

  #configHome(): string {
    const { XDG_CONFIG_HOME: config = "", HOME: home = "" } = this.#env;
    return config === "" ? join(home === "" ? homedir() : home, ".config") : config;
  }
}

/** Without an address of its own it is the registry at its name. */
function atItsName(server: ConfiguredHost, registry: string): ConfiguredHost {
  if (server.base.hostname !== "server.invalid") return server;
  return { ...server, base: new URL(`https://${defaultHost(registry)}/v2/`) };
}

function configuredEndpoint(
  place: RulePlace,
  { configured, connections }: KnownHost,
  isMirror: boolean,
): RegistryEndpoint {
  const { base, capabilities, headers } = configured;
  const isAtItsName = base.host === defaultHost(place.registry);
  const endpoint: RegistryEndpoint = {
    host: isAtItsName ? place.registry : base.host,
    base,
    repository: place.repository,
    capabilities,
    settingsFor: (url) => connections.settingsFor(url),
    // Whoever writes http there means it.
    isPlainByChoice: base.protocol === "http:",
    headers,
    ...(isAtItsName ? { countsPulls: base.host !== place.registry } : { namespace: place.registry }),
    isMirror: isMirror && !isAtItsName,
  };
  return limited(endpoint, place.isMirror);
}

function limited(endpoint: RegistryEndpoint, isMirror: boolean): RegistryEndpoint {
  return isMirror
    ? { ...endpoint, isMirror, capabilities: endpoint.capabilities.intersection(MIRROR_CAPABILITIES) }
    : endpoint;
}
