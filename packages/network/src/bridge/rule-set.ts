import { OrlopError } from "@orlop/core";
import type { NetlinkRequest, RelayNamespace } from "@orlop/kernel/netlink";
import {
  addElements,
  deleteElements,
  getGeneration,
  joinElements,
  listChains,
  listElements,
  nftablesBatch,
  type SetElement,
  type TableReference,
} from "@orlop/kernel/nftables";
import { createTable, LAYOUT_CHAIN, SETS, type SetName, tablesOf } from "./rule-table.ts";

/** An element of one of our sets. */
export interface RuleElement {
  readonly set: SetName;
  readonly key: SetElement["key"];
  readonly value?: readonly (string | number)[];
  /** In a set of what is found: how long it stays. */
  readonly timeoutMs?: number;
  /** The interface of the network or endpoint that it belongs to. */
  readonly link: string;
}

/** What the kernel has of the elements of one owner, and when it was looked at. */
interface ListedElements {
  readonly elements: readonly RuleElement[];
  readonly generation: number | undefined;
}

/** Elements in one transaction: the kernel takes no more bytes at once. */
export const ELEMENTS_AT_ONCE = 1024;

/** The elements of our table that belong to one set of records. */
export class RuleSet {
  readonly #namespace: RelayNamespace;
  readonly #owner: string;

  constructor(namespace: RelayNamespace, owner: string) {
    this.#namespace = namespace;
    this.#owner = owner;
  }

  /** As `add`; makes the tables where they are not there. */
  async ensure(elements: readonly RuleElement[]): Promise<void> {
    try {
      await this.add(elements);
    } catch (error) {
      if (!(error instanceof OrlopError && error.code === "not-found")) throw error;
      await this.ensureTablesFor(elements);
      await this.add(elements);
    }
  }

  async #ensureTable(table: TableReference): Promise<void> {
    try {
      await this.#commit(createTable(table));
    } catch (error) {
      if (!(error instanceof OrlopError && error.code === "exists")) throw error;
      await this.#checkLayout(table);
    }
  }

  /** Makes the tables that the elements go into, where they are not there. */
  async ensureTablesFor(elements: readonly RuleElement[]): Promise<void> {
    for (const table of tablesOf(elements.map(({ set }) => set))) await this.#ensureTable(table);
  }

  /**
   * Adds elements, all or none; those that are there already are no error.
   *
   * @throws OrlopError `conflict` for an element that others have with another value
   */
  async add(elements: readonly RuleElement[]): Promise<void> {
    for (let at = 0; at < elements.length; at += ELEMENTS_AT_ONCE) {
      const some = elements.slice(at, at + ELEMENTS_AT_ONCE);
      const bySet = grouped(some, (set, own) =>
        addElements(
          SETS[set],
          own.map((each) => this.#kernelElement(each)),
        ),
      );
      try {
        await this.#commit(bySet);
      } catch (error) {
        await this.remove(elements.slice(0, at));
        throw error;
      }
    }
  }

  /** Removes those that are there. */
  async remove(elements: readonly RuleElement[]): Promise<void> {
    for (let at = 0; at < elements.length; at += ELEMENTS_AT_ONCE) {
      await this.#removeSome(elements.slice(at, at + ELEMENTS_AT_ONCE));
    }
  }

  /** Adds and removes in one transaction, which does not happen where the rules have changed since that generation. */
  async replace(gone: readonly RuleElement[], come: readonly RuleElement[], generation?: number): Promise<void> {
    const removal = grouped(gone, (set, own) => deleteElements(SETS[set], own));
    const addition = grouped(come, (set, own) =>
      addElements(
        SETS[set],
        own.map((each) => this.#kernelElement(each)),
      ),
    );
    await this.#commit([...removal, ...addition], generation);
  }

  /** All elements of this owner. */
  async list(): Promise<ListedElements> {
    const [now] = await this.#namespace.values("netfilter", getGeneration());
    const elements: RuleElement[] = [];
    for (const set of Object.keys(SETS) as SetName[]) elements.push(...(await this.#listSet(set)));
    return { elements, generation: now?.id };
  }

  async #listSet(set: SetName): Promise<readonly RuleElement[]> {
    const answers = await this.#answersFor(set);
    return joinElements(SETS[set], answers).flatMap(({ key, value, comment = "" }) => {
      const [owner, link = ""] = comment.split(" ");
      if (owner !== this.#owner) return [];
      const parts = Array.isArray(value) ? { value: value as (string | number)[] } : {};
      return [{ set, key, link, ...parts }];
    });
  }

  /** None of a table that nobody has made, or that somebody has taken away with all rules of the machine. */
  async #answersFor(set: SetName): Promise<Parameters<typeof joinElements>[1]> {
    try {
      return await this.#namespace.values("netfilter", listElements(SETS[set]));
    } catch (error) {
      if (error instanceof OrlopError && (error.code === "not-found" || error.code === "unsupported")) return [];
      throw error;
    }
  }

  async #removeSome(elements: readonly RuleElement[]): Promise<void> {
    try {
      await this.#commit(grouped(elements, (set, own) => deleteElements(SETS[set], own)));
    } catch (error) {
      if (!(error instanceof OrlopError && error.code === "not-found")) throw error;
      // One by one, because a transaction with something that is not there does nothing.
      for (const { set, key } of elements) {
        await this.#commit(deleteElements(SETS[set], [{ key }])).catch((cause) => {
          if (!(cause instanceof OrlopError && cause.code === "not-found")) throw cause;
        });
      }
    }
  }

  #kernelElement({ key, value, timeoutMs, link }: RuleElement): SetElement {
    return {
      key,
      comment: `${this.#owner} ${link}`,
      ...(value === undefined ? {} : { value }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
  }

  async #checkLayout({ family, table: name }: TableReference): Promise<void> {
    const chains = await this.#namespace.values("netfilter", listChains(family));
    const own = chains.filter(({ table }) => table === name);
    if (own.some(({ chain }) => chain === LAYOUT_CHAIN)) return;
    const problem = "its rules are of another version of orlop";
    const wayOut = "Try it when no container is connected, after nft delete table";
    throw new OrlopError(
      "unsupported",
      `Cannot use table "${family} ${name}": ${problem}\n${wayOut} ${family} ${name}.`,
    );
  }

  async #commit(requests: readonly NetlinkRequest<unknown>[], generation?: number): Promise<void> {
    const options = generation === undefined ? {} : { generation };
    await this.#namespace.netfilter(...nftablesBatch(requests, options));
  }
}

function grouped(
  elements: readonly RuleElement[],
  encode: (set: SetName, elements: readonly RuleElement[]) => readonly NetlinkRequest[],
): readonly NetlinkRequest[] {
  const bySet = Map.groupBy(elements, ({ set }) => set);
  return [...bySet].flatMap(([set, own]) => encode(set, own));
}
