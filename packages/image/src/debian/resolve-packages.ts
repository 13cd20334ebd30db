import { OrlopError } from "@orlop/core";
import { type DebianPackage, isMeant, PRIORITIES } from "./debian-package.ts";
import type { DebianRequest, Variant } from "./debian-request.ts";
import type { PackageIndex } from "./package-index.ts";
import { formatRelation, type Relation, type RelationGroup } from "./read-relations.ts";

/** Debian as a whole has seventy thousand. */
const PACKAGES_MAX = 20_000;

/** Beyond the packages that are named (mmdebstrap(1), "VARIANTS"). */
const SETS: Readonly<
  Record<Variant, { readonly isEssential: boolean; readonly priorities: number; readonly names: readonly string[] }>
> = {
  extract: { isEssential: false, priorities: 0, names: [] },
  custom: { isEssential: false, priorities: 0, names: [] },
  essential: { isEssential: true, priorities: 0, names: [] },
  apt: { isEssential: true, priorities: 0, names: ["apt"] },
  minbase: { isEssential: true, priorities: 1, names: ["apt"] },
  buildd: { isEssential: true, priorities: 1, names: ["apt", "build-essential"] },
  important: { isEssential: true, priorities: 2, names: ["apt"] },
  standard: { isEssential: true, priorities: 3, names: ["apt"] },
};

/**
 * The packages that a request brings with all that they depend on, sorted by name. The same index gives the same packages:
 * of alternatives the first that can be had, of those that provide a name the one with the highest priority, then the first
 * by name, and what is there already before anything new.
 *
 * @throws OrlopError `not-found` for packages that are not there, `conflict` for those that exclude each other
 */
export function resolvePackages(
  { variant, packages, recommends }: Pick<DebianRequest, "variant" | "packages" | "recommends">,
  index: PackageIndex,
): readonly DebianPackage[] {
  const { isEssential, priorities, names } = SETS[variant];
  const resolution = new Resolution(index, recommends);
  if (isEssential) for (const each of index.essential()) resolution.add(each, "it is essential");
  for (const name of [...names, ...packages]) resolution.add(resolution.named(name), "it was asked for");
  for (const priority of PRIORITIES.slice(0, priorities)) {
    for (const each of index.withPriority(priority)) resolution.add(each, `its priority is ${priority}`);
  }
  return resolution.complete();
}

interface Wanted {
  readonly by: DebianPackage;
  readonly group: RelationGroup;
  readonly isNeeded: boolean;
}

class Resolution {
  readonly #index: PackageIndex;
  readonly #recommends: boolean;
  readonly #chosen = new Map<string, DebianPackage>();
  /** Of the chosen, by their names and all that they provide. */
  readonly #byName = new Map<string, DebianPackage[]>();
  /** What the chosen exclude, by the names. */
  readonly #excluded = new Map<string, { readonly by: DebianPackage; readonly relation: Relation }[]>();
  readonly #wanted: Wanted[] = [];

  constructor(index: PackageIndex, recommends: boolean) {
    this.#index = index;
    this.#recommends = recommends;
  }

  /** A package, or the only one that provides the name. */
  named(name: string): DebianPackage {
    const found = this.#index.find(name);
    if (found !== undefined) return found;
    const providers = this.#index.providers(name);
    if (providers.length === 1 && providers[0] !== undefined) return providers[0];
    const problem =
      providers.length === 0
        ? "the mirror does not have it"
        : `it is provided by ${providers.map((each) => each.name).join(", ")}: name one of them`;
    throw new OrlopError("not-found", `Cannot install package "${name}": ${problem}`);
  }

  add(added: DebianPackage, reason: string): void {
    if (this.#chosen.has(added.name)) return;
    const other = this.#conflict(added);
    if (other !== undefined) {
      const { by, relation, with: excluded } = other;
      throw new OrlopError(
        "conflict",
        `Cannot install package "${added.name}": ${by.name} ${by.version} excludes ${formatRelation(relation)}, ` +
          `which is ${excluded.name} ${excluded.version} (${reason})`,
      );
    }
    if (this.#chosen.size >= PACKAGES_MAX) {
      throw new OrlopError("exhausted", `Cannot install package "${added.name}": there are ${PACKAGES_MAX} already`);
    }
    this.#chosen.set(added.name, added);
    for (const name of namesOf(added)) push(this.#byName, name, added);
    for (const relation of added.conflicts) push(this.#excluded, relation.name, { by: added, relation });
    for (const group of added.depends) this.#wanted.push({ by: added, group, isNeeded: true });
    if (!this.#recommends) return;
    for (const group of added.recommends) this.#wanted.push({ by: added, group, isNeeded: false });
  }

  complete(): readonly DebianPackage[] {
    // Grows while it is gone through.
    for (const wanted of this.#wanted) this.#satisfy(wanted);
    return [...this.#chosen.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #satisfy({ by, group, isNeeded }: Wanted): void {
    if (group.some((relation) => this.#byName.get(relation.name)?.some((each) => isMeant(relation, each)))) return;
    const candidates = group.flatMap((relation) => this.#candidates(relation));
    const chosen = candidates.find((each) => !this.#chosen.has(each.name) && this.#conflict(each) === undefined);
    if (chosen !== undefined) {
      this.add(chosen, `${by.name} depends on it`);
      return;
    }
    if (!isNeeded) return;
    const [first] = candidates;
    const wanted = group.map(formatRelation).join(" | ");
    if (first !== undefined && !this.#chosen.has(first.name)) this.add(first, `${by.name} depends on it`);
    const there = group
      .flatMap(({ name }) => this.#index.find(name) ?? [])
      .map((each) => `${each.name} ${each.version}`);
    const problem = there.length === 0 ? "the mirror does not have" : `the mirror has only ${there.join(", ")} for`;
    throw new OrlopError("not-found", `Cannot install package "${by.name}": ${problem} ${wanted}, which it depends on`);
  }

  /** The best first. */
  #candidates(relation: Relation): readonly DebianPackage[] {
    const own = this.#index.find(relation.name);
    const providers = [...this.#index.providers(relation.name)].sort((a, b) => rank(a) - rank(b));
    return (own === undefined ? providers : [own, ...providers]).filter((each) => isMeant(relation, each));
  }

  #conflict(
    added: DebianPackage,
  ): { readonly by: DebianPackage; readonly relation: Relation; readonly with: DebianPackage } | undefined {
    for (const name of namesOf(added)) {
      const found = this.#excluded.get(name)?.find(({ relation }) => isExcluded(relation, added));
      if (found !== undefined) return { ...found, with: added };
    }
    for (const relation of added.conflicts) {
      const other = this.#byName.get(relation.name)?.find((each) => isExcluded(relation, each));
      if (other !== undefined) return { by: added, relation, with: other };
    }
    return undefined;
  }
}

/** Of an exclusion, a qualifier says no more than the name does where there is one architecture. */
function isExcluded({ qualifier: _, ...relation }: Relation, candidate: DebianPackage): boolean {
  return isMeant(relation, candidate);
}

function namesOf({ name, provides }: DebianPackage): readonly string[] {
  return [...new Set([name, ...provides.map((each) => each.name)])];
}

function rank({ priority }: DebianPackage): number {
  const at = PRIORITIES.indexOf(priority);
  return at < 0 ? PRIORITIES.length : at;
}

function push<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
