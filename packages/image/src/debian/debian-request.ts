import { arch } from "node:os";
import { OrlopError } from "@orlop/core";
import { shown } from "./debian-error.ts";
import { isPackageName } from "./read-relations.ts";

/** Package sets with mmdebstrap's names and meanings; `required`, `debootstrap` are other names of two. */
const VARIANTS = ["extract", "custom", "essential", "apt", "minbase", "buildd", "important", "standard"] as const;
export type Variant = (typeof VARIANTS)[number];

const VARIANT_ALIASES: Readonly<Record<string, Variant>> = { required: "minbase", debootstrap: "important" };

export type Distribution = "debian" | "ubuntu";

/** What an image is to be made of. */
export interface DebianRequest {
  readonly distribution: Distribution;
  readonly suite: string;
  /** Names, sorted. */
  readonly packages: readonly string[];
  readonly variant: Variant;
  /** As Debian names them: `amd64`. */
  readonly architecture: string;
  /** Absent: what this machine's apt uses. */
  readonly mirror?: string;
  readonly components: readonly string[];
  /** A file with the keys that may sign; absent: those that this machine's apt trusts. */
  readonly keyring?: string;
  readonly recommends: boolean;
  /** Maintainer scripts are run. */
  readonly scripts: boolean;
}

/** Debian's names by Node's, where they differ. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "i386", arm: "armhf", ppc64: "ppc64el" };

/** This machine's, as Debian names it. */
export function ownArchitecture(): string {
  return ARCHITECTURES[arch()] ?? arch();
}

const COMPONENTS: Readonly<Record<Distribution, readonly string[]>> = {
  debian: ["main"],
  ubuntu: ["main", "universe"],
};

const PARAMETERS: ReadonlySet<string> = new Set([
  "packages",
  "variant",
  "mirror",
  "arch",
  "components",
  "keyring",
  "recommends",
  "scripts",
]);

const REFERENCE = /^(debian|ubuntu):([a-z0-9][a-z0-9._-]*)(?:\?(.*))?$/;
const WORD = /^[a-z0-9][a-z0-9-]*$/;

/**
 * Reads `debian:SUITE[?packages=a,b&variant=...&mirror=URL&arch=...&components=a,b&keyring=FILE&recommends=yes&scripts=yes]`, or
 * the same with `ubuntu:`. Without a variant, it is `custom` with packages, which brings these and what they need, and
 * `minbase` without.
 *
 * @throws OrlopError `invalid`, `unsupported`
 */
export function parseDebianReference(text: string): DebianRequest {
  const [, distribution, suite, query = ""] = REFERENCE.exec(text) ?? [];
  if (distribution === undefined || suite === undefined) {
    throw refused(text, "it is not debian: or ubuntu: and the name of a suite, such as debian:bookworm");
  }
  const parameters = readParameters(text, query);
  const packages = list(parameters.get("packages")).sort();
  const wrong = packages.find((name) => !isPackageName(name));
  if (wrong !== undefined) throw refused(text, `${shown(wrong)} is no name of a package`);
  const components = list(parameters.get("components"));
  const architecture = parameters.get("arch") ?? ownArchitecture();
  const notWord = [architecture, ...components].find((word) => !WORD.test(word));
  if (notWord !== undefined) throw refused(text, `${shown(notWord)} is no name`);
  const mirror = parameters.get("mirror");
  if (mirror !== undefined && !URL.canParse(mirror)) throw refused(text, `${shown(mirror)} is no URL`);
  const keyring = parameters.get("keyring");
  return {
    distribution: distribution as Distribution,
    suite,
    packages,
    variant: variantOf(text, parameters.get("variant") ?? (packages.length > 0 ? "custom" : "minbase")),
    architecture,
    components: components.length > 0 ? components : COMPONENTS[distribution as Distribution],
    recommends: flag(text, parameters.get("recommends")),
    scripts: flag(text, parameters.get("scripts")),
    ...(mirror === undefined ? {} : { mirror }),
    ...(keyring === undefined ? {} : { keyring }),
  };
}

function readParameters(text: string, query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query.split("&").filter((each) => each !== "")) {
    const equals = part.indexOf("=");
    const name = equals < 0 ? part : part.slice(0, equals);
    if (!PARAMETERS.has(name))
      throw refused(text, `${shown(name)} is not known: there are ${[...PARAMETERS].join(", ")}`);
    if (parameters.has(name)) throw refused(text, `it has ${name} twice`);
    parameters.set(name, decoded(text, equals < 0 ? "" : part.slice(equals + 1)));
  }
  return parameters;
}

/** Not as forms have it: a plus stays, since names of packages end with it. */
function decoded(text: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw refused(text, `${shown(value)} has a per cent sign that stands for nothing`);
  }
}

function list(value: string | undefined): string[] {
  return [...new Set((value ?? "").split(",").filter((each) => each !== ""))];
}

function variantOf(text: string, name: string): Variant {
  const variant = Object.hasOwn(VARIANT_ALIASES, name) ? VARIANT_ALIASES[name] : VARIANTS.find((each) => each === name);
  if (variant === undefined) throw refused(text, `the variant ${shown(name)} is not one of ${VARIANTS.join(", ")}`);
  return variant;
}

function flag(text: string, value: string | undefined): boolean {
  if (value === undefined || value === "no") return false;
  if (value !== "yes") throw refused(text, `${shown(value)} is neither yes nor no`);
  return true;
}

function refused(text: string, problem: string): OrlopError {
  return new OrlopError("invalid", `Cannot use image name ${shown(text)}: ${problem}`);
}
