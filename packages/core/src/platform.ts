import { OrlopError } from "./errors.ts";
import type { Platform } from "./oci/image-spec.ts";

/** Names that people and other tools have for what Go calls otherwise; with the variant that the name implies. */
const ARCHITECTURE_NAMES: ReadonlyMap<string, readonly [architecture: string, variant?: string]> = new Map([
  ["x86_64", ["amd64"]],
  ["x86-64", ["amd64"]],
  ["aarch64", ["arm64"]],
  ["i386", ["386"]],
  ["i486", ["386"]],
  ["i586", ["386"]],
  ["i686", ["386"]],
  ["armhf", ["arm", "v7"]],
  ["armv7l", ["arm", "v7"]],
  ["armel", ["arm", "v6"]],
  ["armv6l", ["arm", "v6"]],
]);

const OS_NAMES: ReadonlyMap<string, string> = new Map([["macos", "darwin"]]);

/** Single words that are no architecture. */
const SYSTEMS: ReadonlySet<string> = new Set(["linux", "windows", "darwin", "macos", "freebsd"]);

/** Variants that an image for the architecture has when it names none. */
const USUAL_VARIANTS: ReadonlyMap<string, string> = new Map([
  ["amd64", "v1"],
  ["arm64", "v8"],
  ["arm", "v7"],
]);

const OS = /^([a-z0-9_-]+)(?:\(([^()]*)\))?$/;
const WORD = /^[a-z0-9_.-]+$/;

/**
 * Reads `os/architecture`, `os/architecture/variant`, or an architecture of `linux` alone, under the names that Go, Debian
 * or uname(1) have for it. The system may be followed by its version and features: `windows(10.0.17763+win32k)/amd64`.
 *
 * @throws OrlopError `invalid`
 */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split("/");
  const [first = "", second, variant] = parts.length === 1 ? ["linux", ...parts] : parts;
  const [, os, version] = OS.exec(first) ?? [];
  if (os === undefined || parts.length > 3 || second === undefined) throw refused(text, "it is no os/architecture");
  const wrong = [second, variant].find((part) => part !== undefined && !WORD.test(part));
  if (wrong !== undefined) throw refused(text, `"${wrong}" is no name`);
  if (parts.length === 1 && SYSTEMS.has(second)) throw refused(text, "it names no architecture");
  const [osVersion = "", ...features] = version?.split("+") ?? [];
  return normalizePlatform({
    os,
    architecture: second,
    ...(variant === undefined ? {} : { variant }),
    ...(osVersion === "" ? {} : { "os.version": osVersion }),
    ...(features.length === 0 ? {} : { "os.features": features }),
  });
}

function refused(text: string, problem: string): OrlopError {
  const shown = text.length <= 100 ? text : `${text.slice(0, 100)}...`;
  return new OrlopError("invalid", `Cannot use platform ${JSON.stringify(shown)}: ${problem}\nTry linux/amd64.`);
}

/** As {@link parsePlatform} reads it: `linux/arm/v7`. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant, "os.version": version, "os.features": features = [] } = platform;
  const more = version === undefined && features.length === 0 ? "" : `(${[version ?? "", ...features].join("+")})`;
  return [`${os}${more}`, architecture, ...(variant === undefined || variant === "" ? [] : [variant])].join("/");
}

/** The same platform in the one way to write it: Go's names, and no variant where it is the usual one. */
export function normalizePlatform(platform: Platform): Platform {
  const { os, architecture, variant, ...rest } = platform;
  const lower = architecture.toLowerCase();
  const [name, implied] = ARCHITECTURE_NAMES.get(lower) ?? [lower];
  const found = normalizeVariant(name, variant?.toLowerCase() || implied);
  const system = os.toLowerCase();
  return {
    os: OS_NAMES.get(system) ?? system,
    architecture: name,
    ...(found === undefined || found === USUAL_VARIANTS.get(name) ? {} : { variant: found }),
    ...rest,
  };
}

/** `8` and `v8.0` are `v8`. */
function normalizeVariant(architecture: string, variant: string | undefined): string | undefined {
  if (variant === undefined || !USUAL_VARIANTS.has(architecture)) return variant;
  const numbered = /^\d/.test(variant) ? `v${variant}` : variant;
  return numbered.replace(/^(v\d+)\.0$/, "$1");
}

/**
 * How well what is offered for one platform suits another: 0 is for exactly it, higher numbers for what its processors run
 * as well, the nearest first (containerd's order: each architecture's older variants, then its predecessor of 32 bits).
 * Undefined where it does not.
 */
export function platformRank(offered: Platform, wanted: Platform): number | undefined {
  const [has, wants] = [normalizePlatform(offered), normalizePlatform(wanted)];
  if (has.os !== wants.os || !suitsVersion(has, wants)) return undefined;
  const mandatory = has["os.features"] ?? [];
  if (!mandatory.every((feature) => wants["os.features"]?.includes(feature))) return undefined;
  const key = processorKey(has.architecture, has.variant);
  const rank = processorsThatRun(wants.architecture, wants.variant).indexOf(key);
  return rank < 0 ? undefined : rank;
}

/** Containers of Windows need its build; a system that says no version of itself takes what comes. */
function suitsVersion(offered: Platform, wanted: Platform): boolean {
  const [has, wants] = [offered["os.version"], wanted["os.version"]];
  if (has === undefined || wants === undefined || has === wants) return true;
  const build = (version: string): string => version.split(".").slice(0, 3).join(".");
  return wanted.os === "windows" && build(has) === build(wants);
}

function processorKey(architecture: string, variant: string | undefined): string {
  return `${architecture}/${variant ?? USUAL_VARIANTS.get(architecture) ?? ""}`;
}

/** Of the 64-bit architectures of ARM, version 9.x has all that 8.(x+5) has. */
const ARM_9_IS_8 = 5;
const ARM_8_MINOR_MAX = 9;
const ARM_9_MINOR_MAX = 7;

/** The processors whose programs this one runs, itself first. */
function processorsThatRun(architecture: string, variant: string | undefined): readonly string[] {
  const own = processorKey(architecture, variant);
  const [, major = "", minor = "0"] = /\/v(\d+)(?:\.(\d+))?$/.exec(own) ?? [];
  switch (architecture) {
    case "amd64":
      return [own, ...versionsBelow("amd64", Number(major), 1), "386/"];
    case "arm":
      return [own, ...versionsBelow("arm", Number(major), 5)];
    case "arm64":
      return [...new Set([own, ...armVersions(Number(major), Number(minor)), ...processorsThatRun("arm", "v8")])];
    default:
      return [own];
  }
}

function versionsBelow(architecture: string, version: number, lowest: number): readonly string[] {
  return Array.from({ length: Math.max(version - lowest, 0) }, (_, index) => `${architecture}/v${version - 1 - index}`);
}

function armVersions(major: number, minor: number): readonly string[] {
  const upTo = (version: number, minorMax: number): readonly string[] =>
    Array.from({ length: minorMax + 1 }, (_, index) => processorKey("arm64", dotted(version, minorMax - index)));
  if (major === 8) return upTo(8, Math.min(minor, ARM_8_MINOR_MAX));
  if (major !== 9) return [];
  const last = Math.min(minor, ARM_9_MINOR_MAX);
  return [...upTo(9, last), ...upTo(8, Math.min(last + ARM_9_IS_8, ARM_8_MINOR_MAX))];
}

function dotted(major: number, minor: number): string {
  return minor === 0 ? `v${major}` : `v${major}.${minor}`;
}
