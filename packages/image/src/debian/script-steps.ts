import { type DebianPackage, isMeant } from "./debian-package.ts";
import type { RelationGroup } from "./read-relations.ts";
import type { UnpackedPackage } from "./unpack-packages.ts";

/** One step on the way to packages that are installed. Names are those of dpkg's database: `libc6:amd64`. */
export type ScriptStep =
  | { readonly kind: "preinst"; readonly name: string; readonly architecture: string }
  /** All at once, as they may need each other. */
  | { readonly kind: "configure"; readonly names: readonly string[] };

/** As dpkg's database names its files. */
export function databaseName({ name, architecture, multiArch }: DebianPackage): string {
  return multiArch === "same" ? `${name}:${architecture}` : name;
}

/**
 * What has to be done before dpkg can configure all that is left: the scripts that dpkg runs before it unpacks a package, each
 * when all that the package needs for that is configured (policy, sections 6.6 and 7.2).
 *
 * @param packages sorted by name
 */
export function scriptSteps(packages: readonly UnpackedPackage[]): readonly ScriptStep[] {
  return new StepPlan(packages).steps;
}

class StepPlan {
  readonly steps: ScriptStep[] = [];
  readonly #unpacked: ReadonlyMap<DebianPackage, UnpackedPackage>;
  /** By their names, and by what they provide. */
  readonly #byName = new Map<string, DebianPackage[]>();
  readonly #begun = new Set<DebianPackage>();
  readonly #configured = new Set<DebianPackage>();

  constructor(packages: readonly UnpackedPackage[]) {
    this.#unpacked = new Map(packages.map((each) => [each.package, each]));
    for (const { package: each } of packages) {
      for (const name of new Set([each.name, ...each.provides.map((provided) => provided.name)]))
        this.#byName.set(name, [...(this.#byName.get(name) ?? []), each]);
    }
    for (const each of packages) this.#prepare(each.package);
  }

  #prepare(wanted: DebianPackage): void {
    const scripts = this.#unpacked.get(wanted)?.control;
    if (this.#begun.has(wanted)) return;
    this.#begun.add(wanted);
    if (scripts?.has("preinst") !== true) return;
    this.#configure(this.#needed(wanted));
    this.steps.push({ kind: "preinst", name: databaseName(wanted), architecture: wanted.architecture });
  }

  #configure(packages: ReadonlySet<DebianPackage>): void {
    for (const each of packages) this.#prepare(each);
    const names: string[] = [];
    for (const each of packages) {
      const control = this.#unpacked.get(each)?.control;
      if (!this.#configured.has(each) && hasScripts(control)) names.push(databaseName(each));
      this.#configured.add(each);
    }
    if (names.length > 0) this.steps.push({ kind: "configure", names: names.sort() });
  }

  /** What it needs before it is unpacked, with all that those need. */
  #needed(wanted: DebianPackage): ReadonlySet<DebianPackage> {
    const needed = new Set<DebianPackage>();
    const waiting = this.#meant(wanted.preDepends);
    for (let each = waiting.pop(); each !== undefined; each = waiting.pop()) {
      if (each === wanted || needed.has(each)) continue;
      needed.add(each);
      waiting.push(...this.#meant(each.depends));
    }
    return needed;
  }

  /** Of alternatives all that are here: one of them is what the relation was met by, and none does harm. */
  #meant(groups: readonly RelationGroup[]): DebianPackage[] {
    return groups
      .flat()
      .flatMap((relation) => (this.#byName.get(relation.name) ?? []).filter((each) => isMeant(relation, each)));
  }
}

/** Any of these has something to do before a package is installed. */
const SCRIPTS: readonly string[] = ["preinst", "postinst", "config"];

/** Whether a package is not installed before its scripts have run. */
export function hasScripts(control: UnpackedPackage["control"] | undefined): boolean {
  return SCRIPTS.some((script) => control?.has(script));
}
