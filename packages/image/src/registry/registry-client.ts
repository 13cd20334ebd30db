import { formatReference, OrlopError, type Reference } from "@orlop/core";
import { Authorizer, type EndpointCredential } from "./authorization/authorizer.ts";
import type { Permission } from "./authorization/scopes.ts";
import type { Credential, CredentialFinder } from "./credentials/credential.ts";
import { defaultConnections, defaultEndpoint } from "./default-endpoint.ts";
import type { HostConnections } from "./hosts/host-connections.ts";
import type { HostFinder } from "./hosts/hosts-of-machine.ts";
import { HttpClient } from "./http/http-client.ts";
import { DEFAULT_REGISTRY_LIMITS, type RegistryLimits } from "./limits.ts";
import { RegistryHosts } from "./registry-hosts.ts";
import { RegistrySink, type RegistrySinkOptions } from "./registry-sink.ts";
import { RegistrySource } from "./registry-source.ts";

export interface RegistryClientOptions {
  /**
   * Any certificate will do, and plain text where there is no TLS; without it, only registries on this machine are spoken to
   * in plain text.
   */
  readonly insecure?: boolean;
  /** Where registries are; absent: at their names. */
  readonly hosts?: HostFinder;
  readonly limits?: Partial<RegistryLimits>;
  /** Absent: nobody is told who asks. */
  readonly credentials?: CredentialFinder;
  /** For every registry itself, instead of those; its mirrors do not get to see it. */
  readonly credential?: Credential;
}

/**
 * Registries of the OCI distribution-spec 1.1, to pull from and push to. One client keeps its connections and its tokens for
 * all images that are opened through it; disposing of it closes the connections.
 */
export class RegistryClient implements Disposable {
  readonly #http = new HttpClient();
  readonly #limits: RegistryLimits;
  readonly #find: HostFinder;
  readonly #authorizer: Authorizer;

  constructor(options: RegistryClientOptions = {}) {
    this.#find = options.hosts ?? hostsAtTheirNames(options.insecure ?? false);
    this.#limits = { ...DEFAULT_REGISTRY_LIMITS, ...options.limits };
    this.#authorizer = new Authorizer(this.#http, this.#limits, credentialOf(options));
  }

  source(reference: Reference): RegistrySource {
    return new RegistrySource(reference, this.#hosts(reference, "pull"));
  }

  sink(reference: Reference, options?: RegistrySinkOptions): RegistrySink {
    return new RegistrySink(reference, this.#hosts(reference, "push"), options);
  }

  /**
   * Deletes a manifest by its digest or, where the registry has that, a tag alone (distribution-spec, "Content
   * Management").
   *
   * @throws OrlopError `not-found`; `unsupported` where the registry deletes nothing
   */
  async delete(reference: Reference, signal?: AbortSignal): Promise<void> {
    const name = reference.digest ?? reference.tag ?? "latest";
    const doing = `delete "${formatReference(reference)}"`;
    await this.#hosts(reference, "delete").first("push", (session) =>
      session.request({
        doing,
        method: "DELETE",
        target: `manifests/${name}`,
        accept: [202, 200, 204],
        ignoreBody: true,
        signal,
      }),
    );
  }

  /**
   * Shows the client's credential to a registry.
   *
   * @throws OrlopError `denied` when it is not taken
   */
  async checkLogin(registry: string, signal?: AbortSignal): Promise<void> {
    const doing = `log in to "${registry}"`;
    try {
      await this.#hosts({ registry, repository: "" }, undefined).first("resolve", (session) =>
        session.request({ doing, method: "GET", target: "", accept: [200], ignoreBody: true, signal }),
      );
    } catch (error) {
      if (!(error instanceof OrlopError) || error.code !== "denied") throw error;
      // The hint would be to log in.
      const [first = ""] = error.message.split("\n");
      throw new OrlopError("denied", first, { operation: "authorize with a registry", cause: error });
    }
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  #hosts(reference: Reference, permission: Permission | undefined): RegistryHosts {
    const authorizer = this.#authorizer;
    return new RegistryHosts(reference, this.#find, {
      client: this.#http,
      limits: this.#limits,
      authorizer,
      permission,
    });
  }
}

function credentialOf({ credential, credentials }: RegistryClientOptions): EndpointCredential {
  return async (endpoint) =>
    credential === undefined || endpoint.isMirror === true
      ? await credentials?.(endpoint.host, endpoint.repository)
      : credential;
}

function hostsAtTheirNames(insecure: boolean): HostFinder {
  // Settings that are the same object share connections.
  const known = new Map<string, HostConnections>();
  return async (reference) => {
    const connections = known.get(reference.registry) ?? defaultConnections(reference.registry, insecure);
    known.set(reference.registry, connections);
    return [defaultEndpoint(reference, connections, insecure)];
  };
}
