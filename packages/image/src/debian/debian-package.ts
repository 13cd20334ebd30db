import type { IndexedFile } from "./cached-files.ts";
import { compareVersions } from "./compare-versions.ts";
import { refusedFile } from "./debian-error.ts";
import { type Relation, type RelationGroup, type RelationOperator, readRelations } from "./read-relations.ts";
import { readStanza, type Stanza } from "./read-stanza.ts";

/** Policy, section 2.5, the most important first. */
export const PRIORITIES: readonly string[] = ["required", "important", "standard", "optional", "extra"];

/** A package as an index describes it. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly multiArch: string;
  readonly isEssential: boolean;
  readonly priority: string;
  /** What has to be configured before it is unpacked. */
  readonly preDepends: readonly RelationGroup[];
  /** `Pre-Depends` and `Depends`. */
  readonly depends: readonly RelationGroup[];
  readonly recommends: readonly RelationGroup[];
  /** `Conflicts` and `Breaks`. */
  readonly conflicts: readonly Relation[];
  readonly replaces: readonly Relation[];
  readonly provides: readonly Relation[];
  readonly file: IndexedFile;
}

/**
 * Reads a stanza of a `Packages` file of an archive at `base`.
 *
 * @throws OrlopError `invalid`
 */
export function readPackage(text: string, base: URL): DebianPackage {
  const stanza = readStanza(text, "Packages");
  const name = field(stanza, "package", "Packages");
  const relations = (which: string): readonly RelationGroup[] => readRelations(stanza.get(which), name);
  const preDepends = relations("pre-depends");
  const version = field(stanza, "version", name);
  // Compared with itself it says whether it is a version.
  compareVersions(version, `${version}~`);
  const sha256 = field(stanza, "sha256", name);
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw refusedFile(name, "its SHA256 is none");
  return {
    name,
    version,
    architecture: field(stanza, "architecture", name),
    multiArch: stanza.get("multi-arch") ?? "no",
    isEssential: stanza.get("essential") === "yes",
    priority: stanza.get("priority") ?? "optional",
    preDepends,
    depends: [...preDepends, ...relations("depends")],
    recommends: relations("recommends"),
    conflicts: [...relations("conflicts"), ...relations("breaks")].flat(),
    replaces: relations("replaces").flat(),
    provides: relations("provides").flat(),
    file: { url: fileUrl(field(stanza, "filename", name), base, name), size: sizeOf(stanza, name), sha256 },
  };
}

function field(stanza: Stanza, name: string, what: string): string {
  const value = stanza.get(name);
  if (value === undefined || value === "") throw refusedFile(what, `it has no field ${name}`);
  return value;
}

function sizeOf(stanza: Stanza, name: string): number {
  const size = field(stanza, "size", name);
  if (!/^\d{1,15}$/.test(size)) throw refusedFile(name, "its size is no number");
  return Number(size);
}

function fileUrl(path: string, base: URL, name: string): URL {
  const parts = path.replace(/^\.\//, "").split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    throw refusedFile(name, "its file is not below the archive");
  }
  return new URL(parts.map(encodeURIComponent).join("/"), base);
}

/** Whether a relation means this package, by its name or by what it provides. */
export function isMeant(relation: Relation, candidate: DebianPackage): boolean {
  const { name, version } = relation;
  if (name === candidate.name) return isQualified(relation, candidate) && isVersion(version, candidate.version);
  return candidate.provides.some((provided) => {
    if (provided.name !== name) return false;
    // What has no version satisfies no relation that asks for one (policy, section 7.5).
    return version === undefined || (provided.version !== undefined && isVersion(version, provided.version.version));
  });
}

/** dpkg, "archsatisfied": of packages for one architecture and for all. */
function isQualified({ qualifier }: Relation, { multiArch, architecture }: DebianPackage): boolean {
  if (qualifier === undefined || qualifier === "native") return true;
  return qualifier === "any" ? multiArch === "allowed" : qualifier === architecture;
}

const HOLDS: Readonly<Record<RelationOperator, (comparison: number) => boolean>> = {
  "<<": (comparison) => comparison < 0,
  "<=": (comparison) => comparison <= 0,
  "=": (comparison) => comparison === 0,
  ">=": (comparison) => comparison >= 0,
  ">>": (comparison) => comparison > 0,
};

function isVersion(wanted: Relation["version"], version: string): boolean {
  return wanted === undefined || HOLDS[wanted.operator](compareVersions(version, wanted.version));
}
