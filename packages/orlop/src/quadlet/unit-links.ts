import { KINDS } from "./key-rules.ts";
import { refuseEntry, type UnitEntry } from "./unit-file.ts";
import { kindOf, type UnitSource } from "./unit-source.ts";

/** All unit files by their names, and what one of them needs of the others. */
export class UnitLinks {
  readonly #all: ReadonlyMap<string, UnitSource>;
  readonly #needed: Set<string> = new Set();

  constructor(all: ReadonlyMap<string, UnitSource>) {
    this.#all = all;
  }

  /** Services that have to be up before, by their names. */
  get needed(): readonly string[] {
    return [...this.#needed].sort();
  }

  /**
   * What another unit is about, which is needed then.
   *
   * @throws OrlopError `unsupported` for one that is not there
   */
  resource(name: string, entry: UnitEntry): string {
    const source = this.#find(name, entry);
    this.#needed.add(source.service);
    return source.resource;
  }

  /** Names of unit files in a value of `[Unit]` as those of their services. */
  services(entry: UnitEntry): string {
    const words = entry.value.split(/\s+/);
    return words.map((word) => (kindOf(word) === undefined ? word : this.#find(word, entry).service)).join(" ");
  }

  /** Containers that are in a pod, and start with it. */
  members(pod: string): readonly UnitSource[] {
    return [...this.#all.values()].filter(({ unit, kind }) => {
      const entries = (kind === "container" && unit.sections.get(KINDS.container.section)) || [];
      const last = (key: string): string | undefined => entries.findLast((each) => each.key === key)?.value;
      return last("Pod") === pod && !/^(no|false|0|off|n|f)$/i.test(last("StartWithPod") ?? "yes");
    });
  }

  #find(name: string, entry: UnitEntry): UnitSource {
    return this.#all.get(name) ?? refuseEntry(entry, `there is no unit file "${name}"`);
  }
}
