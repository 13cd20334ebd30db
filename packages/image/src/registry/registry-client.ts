import type { Reference } from "@orlop/core";
import { defaultEndpoint } from "./default-endpoint.ts";
import { HttpClient } from "./http/http-client.ts";
import type { ConnectionSettings } from "./http/http-exchange.ts";
import { DEFAULT_REGISTRY_LIMITS, type RegistryLimits } from "./limits.ts";
import { RegistryHosts } from "./registry-hosts.ts";
import { RegistrySink, type RegistrySinkOptions } from "./registry-sink.ts";
import { RegistrySource } from "./registry-source.ts";

export interface RegistryClientOptions {
  /** No TLS with any registry; without it, only registries on this machine are spoken to in plain text. */
  readonly plainHttp?: boolean;
  readonly limits?: Partial<RegistryLimits>;
}

/**
 * Registries of the OCI distribution-spec 1.1, to pull from and push to. One client keeps its connections and its tokens for
 * all images that are opened through it; disposing of it closes the connections.
 */
export class RegistryClient implements Disposable {
  readonly #http = new HttpClient();
  readonly #limits: RegistryLimits;
  readonly #settings: ConnectionSettings = {};
  readonly #plainHttp: boolean;

  constructor({ plainHttp = false, limits }: RegistryClientOptions = {}) {
    this.#plainHttp = plainHttp;
    this.#limits = { ...DEFAULT_REGISTRY_LIMITS, ...limits };
  }

  source(reference: Reference): RegistrySource {
    return new RegistrySource(reference, this.#hosts(reference));
  }

  sink(reference: Reference, options?: RegistrySinkOptions): RegistrySink {
    return new RegistrySink(reference, this.#hosts(reference), options);
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  #hosts(reference: Reference): RegistryHosts {
    const endpoints = [defaultEndpoint(reference, this.#settings, this.#plainHttp)];
    return new RegistryHosts(reference, endpoints, this.#http, this.#limits);
  }
}
