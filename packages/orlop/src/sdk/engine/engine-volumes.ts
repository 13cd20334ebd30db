import { parseName } from "@orlop/core";
import type { Volume } from "@orlop/engine";
import type { OpenEngine } from "../../containers/open-engine.ts";

/** Directories with names, which outlive the containers that they are mounted in. */
export class EngineVolumes {
  readonly #open: OpenEngine;

  /** @internal */
  constructor(open: OpenEngine) {
    this.#open = open;
  }

  /** Sorted by name. */
  async list(): Promise<readonly Volume[]> {
    return this.#open.engine.volumes.list();
  }

  /** @throws OrlopError `not-found` */
  async inspect(name: string): Promise<Volume> {
    return this.#open.engine.volumes.get(name);
  }

  /** Makes it, or gives the one of that name that there is. @throws OrlopError `invalid` for what is no name */
  async create(
    name: string,
    { labels = {} }: { readonly labels?: Readonly<Record<string, string>> } = {},
  ): Promise<Volume> {
    return await this.#open.engine.volumes.ensure(parseName(name), { labels });
  }

  /** With all that is in it. @throws OrlopError `not-found`; `conflict` when a container uses it */
  async remove(name: string): Promise<void> {
    await this.#open.engine.volumes.remove(name);
  }
}
