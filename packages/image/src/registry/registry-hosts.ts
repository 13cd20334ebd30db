import { OrlopError, type Reference } from "@orlop/core";
import type { HostFinder } from "./hosts/hosts-of-machine.ts";
import type { RegistryCapability } from "./registry-endpoint.ts";
import { RegistrySession, type SessionOptions } from "./registry-session.ts";

/** The hosts that serve one repository, in the order in which they are asked. */
export class RegistryHosts {
  readonly #reference: Reference;
  readonly #find: HostFinder;
  readonly #options: SessionOptions;
  #sessions: Promise<readonly RegistrySession[]> | undefined;

  constructor(reference: Reference, find: HostFinder, options: SessionOptions) {
    this.#reference = reference;
    this.#find = find;
    this.#options = options;
  }

  /**
   * What the first host gives that can; who fails is passed over, unless the caller's signal ended it.
   *
   * @throws OrlopError of the last host, which is the registry itself, with what the others said
   */
  async first<T>(capability: RegistryCapability, work: (session: RegistrySession) => Promise<T>): Promise<T> {
    const failures: OrlopError[] = [];
    this.#sessions ??= this.#open();
    for (const session of await this.#sessions) {
      if (!session.endpoint.capabilities.has(capability)) continue;
      try {
        return await work(session);
      } catch (error) {
        if (!(error instanceof OrlopError)) throw error;
        failures.push(error);
      }
    }
    const last = failures.pop();
    if (last === undefined) {
      throw new OrlopError(
        "denied",
        `Cannot use registry "${this.#reference.registry}": no host of it may be used to ${capability}`,
      );
    }
    throw failures.length === 0 ? last : withOthers(last, failures);
  }

  async #open(): Promise<readonly RegistrySession[]> {
    const endpoints = await this.#find(this.#reference);
    return endpoints.map((endpoint) => new RegistrySession(endpoint, this.#options));
  }
}

function withOthers(last: OrlopError, others: readonly OrlopError[]): OrlopError {
  const said = others.map(({ message }) => `\nBefore: ${message.split("\n", 1)[0]}`).join("");
  return new OrlopError(last.code, `${last.message}${said}`, { operation: "talk to a registry", cause: last });
}
