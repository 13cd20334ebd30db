import type { ConnectionSettings } from "./http/http-exchange.ts";

/** What a host is good for: containerd's words in hosts.toml. */
export type RegistryCapability = "pull" | "resolve" | "push";

/** One host that serves a registry's repository: the registry itself, or a mirror of it. */
export interface RegistryEndpoint {
  /** Host and port, as credentials are stored for it and as messages name it. */
  readonly host: string;
  /** What the paths of the distribution-spec are below: `https://registry.example/v2/`. */
  readonly base: URL;
  /** The base is a guess, as of hosts that are this machine: when that fails, this one is right. */
  readonly otherBase?: URL;
  /** The name of the repository there. */
  readonly repository: string;
  readonly capabilities: ReadonlySet<RegistryCapability>;
  /** How to reach a URL: this host, or another one that it leads to, which is not shown our certificates. */
  readonly settingsFor: (url: URL) => ConnectionSettings;
  /** The user has said that it is spoken to without TLS. */
  readonly isPlainByChoice: boolean;
  /** For requests to this host and no other. */
  readonly headers: Readonly<Record<string, string>>;
  /** Reading a manifest counts as a pull, of which there is a limit: docker's own registry. */
  readonly countsPulls?: boolean;
  /** It stands in for the registry. */
  readonly isMirror?: boolean;
  /** A mirror of several registries is told which one it stands for (containerd's `ns`). */
  readonly namespace?: string;
}
