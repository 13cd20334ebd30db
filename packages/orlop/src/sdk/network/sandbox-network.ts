import { type EgressPolicy, type EgressRule, type Endpoint, type NetworkDriver, shortId } from "@orlop/core";
import type { ContainerDescription } from "@orlop/engine";
import { hostsText, resolversText } from "@orlop/engine/name-files";
import { openEngine } from "../../containers/open-engine.ts";
import type { SandboxFiles } from "../sandbox-files.ts";
import { answerNames } from "./answer-names.ts";
import { parseTarget } from "./parse-target.ts";

interface NetworkParts {
  readonly driver: NetworkDriver;
  readonly endpoint: Endpoint;
}

interface Connection {
  readonly id: string;
  /** Of its init. */
  readonly pid: number;
  /** By which others on the network know it. */
  readonly name: string;
  readonly names: ContainerDescription["names"];
  /** Network to connect it with. */
  readonly network: string;
  /** Absent: it may talk to all. */
  readonly allow: readonly string[] | undefined;
  /** Takes what it is told of names. */
  readonly files: SandboxFiles;
}

/**
 * What a sandbox has of a network, and what it may reach by it. Policies hold outside of the sandbox: no right inside gets
 * around them.
 */
export class SandboxNetwork {
  readonly #driver: NetworkDriver;
  readonly #endpoint: Endpoint;
  #policy: EgressPolicy;
  #onChange: () => void = () => {};

  /** @internal */
  constructor({ driver, endpoint }: NetworkParts) {
    this.#driver = driver;
    this.#endpoint = endpoint;
    this.#policy = endpoint.egress;
  }

  /** Its own, without the lengths of their prefixes: `172.30.0.2`. */
  get addresses(): readonly string[] {
    return this.#endpoint.addresses.map((address) => address.replace(/\/.*$/, ""));
  }

  /** This machine's on that network, where it has any. */
  get gateways(): readonly string[] {
    return this.#endpoint.gateways;
  }

  /** What it may reach now. @internal */
  get policy(): EgressPolicy {
    return this.#policy;
  }

  /** Has a callback called whenever that has changed. @internal */
  watch(onChange: () => void): void {
    this.#onChange = onChange;
  }

  /** Lets it reach these, too, from now on; one that may reach everything still may. @throws OrlopError as for {@link restrict} */
  async allow(...targets: readonly string[]): Promise<void> {
    if (this.#policy === "all") return;
    await this.#set({ allow: [...this.#policy.allow, ...targets.map(parseTarget)] });
  }

  /**
   * Lets it reach these and nothing else from now on; connections to others end.
   *
   * @param targets `TO[:PORT[-PORT]][/PROTOCOL]`, an address, a prefix or a name of DNS each; none: it reaches nothing
   * @throws OrlopError `invalid`; `unsupported` where what connects it has no such policies (pasta)
   */
  async restrict(targets: readonly string[]): Promise<void> {
    await this.#set({ allow: targets.map(parseTarget) });
  }

  async #set(policy: { readonly allow: readonly EgressRule[] }): Promise<void> {
    await this.#driver.setEgress(this.#endpoint.network, this.#endpoint.id, policy);
    this.#policy = policy;
    this.#onChange();
  }
}

/** Connects a sandbox in which nothing runs yet; what it has of the network goes with the stack. @throws OrlopError */
export async function connectSandbox(
  { id, pid, name, names, network, allow, files }: Connection,
  stack: AsyncDisposableStack,
): Promise<SandboxNetwork> {
  const open = stack.use(openEngine());
  const driver = await open.networks();
  // Of sandboxes whose process was killed.
  await driver.cleanup();
  const endpoint = await driver.connect({
    network,
    endpoint: id,
    namespace: { path: `/proc/${pid}/ns/net` },
    names: [...new Set([name, shortId(id), names.hostname])],
    ...(allow === undefined ? {} : { egress: { allow: allow.map(parseTarget) } }),
  });
  stack.defer(() => driver.disconnect(endpoint.network, id));
  await answerNames(open, driver, endpoint, stack);
  const connected = new SandboxNetwork({ driver, endpoint });
  const { addresses } = connected;
  const others = (await driver.hostsEntries(endpoint.network)).filter(({ address }) => !addresses.includes(address));
  await files.write("/etc/hosts", hostsText(names, addresses, [...names.hosts, ...others]));
  await files.write("/etc/resolv.conf", resolversText(names, endpoint.resolvers));
  return connected;
}
