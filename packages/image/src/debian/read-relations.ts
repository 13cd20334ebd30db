import { refusedFile, shown } from "./debian-error.ts";

export type RelationOperator = "<<" | "<=" | "=" | ">=" | ">>";

/** `libc6:any (>= 2.36)`. */
export interface Relation {
  readonly name: string;
  /** `any`, `native` or an architecture; absent: as the package's Multi-Arch has it. */
  readonly qualifier?: string;
  readonly version?: { readonly operator: RelationOperator; readonly version: string };
}

/** Alternatives: one of them is enough. */
export type RelationGroup = readonly Relation[];

/** Policy, section 5.6.1, with the capitals that old packages have. */
const PACKAGE_NAME = /^[a-zA-Z0-9][a-zA-Z0-9+._-]*$/;

const RELATION = /^([^\s:()[\]<>,|]+)(?::([a-z0-9-]+))?\s*(?:\(\s*(<<|<=|=|>=|>>|<|>)\s*([a-zA-Z0-9][^\s()]*)\s*\))?$/;

const GROUPS_MAX = 10_000;

/** Of old packages: deb-control(5) has them mean the same with "or equal". */
const OLD_OPERATORS: Readonly<Record<string, RelationOperator>> = { "<": "<=", ">": ">=" };

/**
 * A field such as `Depends` of a binary package (deb-control(5)).
 *
 * @throws OrlopError `invalid`; `name` is for the message
 */
export function readRelations(value: string | undefined, name: string): readonly RelationGroup[] {
  const text = (value ?? "").trim();
  if (text === "") return [];
  // A comma at the end happens, and means nothing.
  const groups = text.split(",").filter((group) => group.trim() !== "");
  if (groups.length > GROUPS_MAX) throw refusedFile(name, `a field has more than ${GROUPS_MAX} relations`);
  return groups.map((group) => group.split("|").map((relation) => readRelation(relation.trim(), name)));
}

function readRelation(text: string, name: string): Relation {
  const [, target = "", qualifier, operator, version] = RELATION.exec(text) ?? [];
  if (!PACKAGE_NAME.test(target)) throw refusedFile(name, `${shown(text)} is no relation to a package`);
  return {
    name: target,
    ...(qualifier === undefined ? {} : { qualifier }),
    ...(operator === undefined || version === undefined
      ? {}
      : { version: { operator: OLD_OPERATORS[operator] ?? (operator as RelationOperator), version } }),
  };
}

export function isPackageName(name: string): boolean {
  return PACKAGE_NAME.test(name);
}

/** `libc6:any (>= 2.36)`. */
export function formatRelation({ name, qualifier, version }: Relation): string {
  const qualified = qualifier === undefined ? name : `${name}:${qualifier}`;
  return version === undefined ? qualified : `${qualified} (${version.operator} ${version.version})`;
}
