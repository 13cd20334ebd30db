import type { CniAttachment, CniPrograms } from "./cni-program.ts";
import { type CniPlugin, type Conflist, hasCniVersion } from "./conflist.ts";

/** By the names of capabilities, what plug-ins that have them are told. */
export type RuntimeConfig = Readonly<Record<string, unknown>>;

/** What is known of an attachment from ADD to DEL: the list as it was then, and what came of it. */
export interface HeldAttachment {
  readonly list: Conflist;
  readonly result?: unknown;
}

/** The plug-ins of a list, one after the other: CNI specification, section 3. */
export class CniChain {
  readonly #programs: CniPrograms;

  constructor(programs: CniPrograms) {
    this.#programs = programs;
  }

  /** Gives the result of the last one. Where one fails, the caller has to `delete`. */
  async add(list: Conflist, attachment: CniAttachment, runtimeConfig: RuntimeConfig): Promise<unknown> {
    let prevResult: unknown;
    for (const plugin of list.plugins) {
      const config = requestConfig(list, plugin, { runtimeConfig, prevResult });
      prevResult = await this.#programs.call(plugin.type, "ADD", config, attachment);
    }
    return prevResult;
  }

  /**
   * Backwards, each with the result of the whole. Plug-ins take it for no error where there is nothing; the failure of one keeps
   * no other from giving back what it has.
   */
  async delete(held: HeldAttachment, attachment: CniAttachment, runtimeConfig: RuntimeConfig): Promise<void> {
    const { list, result } = held;
    const prevResult = hasCniVersion(list.cniVersion, "0.4.0") ? result : undefined;
    const failures: unknown[] = [];
    for (const plugin of list.plugins.toReversed()) {
      const config = requestConfig(list, plugin, { runtimeConfig, prevResult });
      await this.#programs.call(plugin.type, "DEL", config, attachment).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  async check(held: HeldAttachment, attachment: CniAttachment, runtimeConfig: RuntimeConfig): Promise<void> {
    const { list, result } = held;
    if (list.disableCheck || !hasCniVersion(list.cniVersion, "0.4.0")) return;
    for (const plugin of list.plugins) {
      const config = requestConfig(list, plugin, { runtimeConfig, prevResult: result });
      await this.#programs.call(plugin.type, "CHECK", config, attachment);
    }
  }

  /** Before anything is attached that could then not be taken back. @throws OrlopError where a plug-in is not able to ADD */
  async status(list: Conflist): Promise<void> {
    for (const { type } of list.plugins) this.#programs.find(type);
    if (!hasCniVersion(list.cniVersion, "1.1.0")) return;
    for (const plugin of list.plugins) {
      await this.#programs.call(plugin.type, "STATUS", requestConfig(list, plugin, {}));
    }
  }

  /** Has plug-ins remove what they have of all attachments but these. */
  async collect(list: Conflist, valid: readonly CniAttachment[]): Promise<void> {
    if (list.disableGC || !hasCniVersion(list.cniVersion, "1.1.0")) return;
    const attachments = valid.map(({ containerId, interfaceName }) => ({
      containerID: containerId,
      ifname: interfaceName,
    }));
    for (const plugin of list.plugins) {
      const config = { ...requestConfig(list, plugin, {}), "cni.dev/valid-attachments": attachments };
      await this.#programs.call(plugin.type, "GC", config);
    }
  }
}

interface Additions {
  readonly runtimeConfig?: RuntimeConfig;
  readonly prevResult?: unknown;
}

function requestConfig(
  { cniVersion, name }: Conflist,
  { capabilities, config }: CniPlugin,
  { runtimeConfig = {}, prevResult }: Additions,
): Readonly<Record<string, unknown>> {
  const own = Object.entries(runtimeConfig).filter(([capability]) => capabilities.includes(capability));
  return {
    ...config,
    cniVersion,
    name,
    ...(own.length === 0 ? {} : { runtimeConfig: Object.fromEntries(own) }),
    ...(prevResult === undefined ? {} : { prevResult }),
  };
}
