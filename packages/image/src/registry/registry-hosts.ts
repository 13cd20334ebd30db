import { OrlopError, type Reference } from "@orlop/core";
import type { RegistryCapability, RegistryEndpoint } from "./registry-endpoint.ts";
import { RegistrySession, type SessionOptions } from "./registry-session.ts";

/** The hosts that serve one repository, in the order in which they are asked. */
export class RegistryHosts {
  readonly #sessions: readonly RegistrySession[];
  readonly #registry: string;

  constructor(reference: Reference, endpoints: readonly RegistryEndpoint[], options: SessionOptions) {
    this.#registry = reference.registry;
    this.#sessions = endpoints.map((endpoint) => new RegistrySession(endpoint, options));
  }

  /**
   * What the first host gives that can; who fails is passed over, unless the caller's signal ended it.
   *
   * @throws OrlopError of the last host, which is the registry itself, with what the others said
   */
  async first<T>(capability: RegistryCapability, work: (session: RegistrySession) => Promise<T>): Promise<T> {
    const failures: OrlopError[] = [];
    for (const session of this.#sessions) {
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
        `Cannot use registry "${this.#registry}": no host of it may be used to ${capability}`,
      );
    }
    throw failures.length === 0 ? last : withOthers(last, failures);
  }
}

function withOthers(last: OrlopError, others: readonly OrlopError[]): OrlopError {
  const said = others.map(({ message }) => `\nBefore: ${message.split("\n", 1)[0]}`).join("");
  return new OrlopError(last.code, `${last.message}${said}`, { operation: "talk to a registry", cause: last });
}
