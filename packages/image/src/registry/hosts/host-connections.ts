import type { ConnectionSettings } from "../http/http-exchange.ts";
import type { HostCertificates } from "./host-directory.ts";
import type { ProxyFor } from "./proxy-environment.ts";

interface HostConnectionOptions {
  readonly certificates?: HostCertificates;
  readonly skipVerify?: boolean;
  readonly proxyFor?: ProxyFor;
  readonly dialTimeoutMs?: number;
}

/**
 * How one host is reached, and the hosts that it leads to: storage, and where tokens are given out. Those are not shown our
 * certificates, and have to have good ones themselves; the authorities that the host has beside the machine's are good
 * for them, too, since a site has one for all of its servers.
 */
export class HostConnections {
  readonly #host: string;
  readonly #options: HostConnectionOptions;
  /** By origin: settings that are the same object share connections. */
  readonly #settings = new Map<string, ConnectionSettings>();

  constructor(host: string, options: HostConnectionOptions = {}) {
    this.#host = host;
    this.#options = options;
  }

  settingsFor(url: URL): ConnectionSettings {
    const known = this.#settings.get(url.origin);
    if (known !== undefined) return known;
    const { certificates = {}, skipVerify = false, proxyFor, dialTimeoutMs } = this.#options;
    const { ca, clientCertificates } = certificates;
    const isOwn = url.host === this.#host;
    const proxy = proxyFor?.(url);
    const settings: ConnectionSettings = {
      ...(ca === undefined ? {} : { ca }),
      ...(proxy === undefined ? {} : { proxy }),
      ...(dialTimeoutMs === undefined ? {} : { dialTimeoutMs }),
      ...(isOwn && clientCertificates !== undefined ? { clientCertificates } : {}),
      ...(isOwn && skipVerify ? { skipVerify } : {}),
    };
    this.#settings.set(url.origin, settings);
    return settings;
  }
}
