import type { NetworkInfo } from "@orlop/core";
import type { OpenEngine } from "../../containers/open-engine.ts";

export interface NetworkOptions {
  /** `172.30.0.0/16`; at most one of IPv4 and one of IPv6. Absent: one of IPv4 that is free. */
  readonly subnets?: readonly string[];
  /** No way leads out of it. */
  readonly internal?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Networks that containers and sandboxes can be on. */
export class EngineNetworks {
  readonly #open: OpenEngine;

  /** @internal */
  constructor(open: OpenEngine) {
    this.#open = open;
  }

  /** Sorted by name. */
  async list(): Promise<readonly NetworkInfo[]> {
    return await (await this.#open.networks()).list();
  }

  /** By name or id. @throws OrlopError `not-found` */
  async inspect(network: string): Promise<NetworkInfo> {
    return await (await this.#open.networks()).inspect(network);
  }

  /** @throws OrlopError `exists`, `invalid`, `exhausted` when no subnet is free */
  async create(name: string, { subnets, internal, labels }: NetworkOptions = {}): Promise<NetworkInfo> {
    return await (await this.#open.networks()).create({
      name,
      ...(subnets === undefined ? {} : { subnets: subnets.map((prefix) => ({ prefix })) }),
      ...(internal === undefined ? {} : { internal }),
      ...(labels === undefined ? {} : { labels }),
    });
  }

  /** @throws OrlopError `conflict` for one that somebody is on, and for the default one */
  async remove(network: string): Promise<void> {
    await (await this.#open.networks()).remove(network);
  }
}
